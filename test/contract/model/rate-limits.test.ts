import assert from 'node:assert/strict'
import { test } from 'node:test'
import OpenAI from 'openai'
import { goDuration } from '../../../deploy/local/model/limit-headers.ts'
import { failureOf, movableClock, startForTest } from './model-under-test.ts'

test('reset headers are printed as Go prints durations', () => {
  const printed = [0, 12, 999, 1_000, 7_660, 60_000, 360_000, 3_723_500, 3_600_000].map(goDuration)
  assert.deepEqual(printed, ['0s', '12ms', '999ms', '1s', '7.66s', '1m0s', '6m0s', '1h2m3.5s', '1h0m0s'])
})

test('the bucket charges prompt and cap at admission, gives nothing back, and refills all the time', async (t) => {
  const clock = movableClock()
  const { ask, model } = await startForTest(t, { tokensPerMinute: 6_000, limiter: 'bucket', now: clock.now })
  const first = await ask({ max_completion_tokens: 3_000 })
  const charge = (first.data.usage?.prompt_tokens ?? 0) + 3_000
  assert.equal(first.headers.get('x-ratelimit-limit-tokens'), '6000')
  assert.equal(first.headers.get('x-ratelimit-remaining-tokens'), String(6_000 - charge))
  assert.equal(first.headers.get('x-ratelimit-reset-tokens'), goDuration((charge / 6_000) * 60_000))

  const refused = await failureOf(ask({ max_completion_tokens: 3_000 }))
  assert.ok(refused instanceof OpenAI.RateLimitError)
  assert.equal(refused.code, 'rate_limit_exceeded')
  assert.equal(refused.type, 'tokens')
  assert.match(refused.message, /tokens per min \(TPM\): Limit 6000, Used \d+, Requested \d+\. Please try again in \d+/)
  const waitMs = Number(refused.headers?.get('retry-after-ms'))
  assert.equal(waitMs, Math.ceil(((2 * charge - 6_000) / 6_000) * 60_000))
  assert.equal(refused.headers?.get('retry-after'), String(Math.ceil(waitMs / 1000)))
  assert.equal(
    refused.headers?.get('x-ratelimit-remaining-tokens'),
    String(6_000 - charge),
    'a refusal charges no tokens',
  )

  clock.advance(waitMs - 2)
  await failureOf(ask({ max_completion_tokens: 3_000 }))
  clock.advance(2)
  await ask({ max_completion_tokens: 3_000 })
  assert.equal(model.totals.admittedTokens, 2 * charge)
  assert.equal(model.totals.answered, 2)
  assert.equal(model.totals.refused, 2)
  assert.equal(model.totals.peakAdmittedTokensInWindow, 2 * charge)
  clock.advance(60_000)
  assert.equal(model.totals.admittedTokensInWindow, 0)
})

test('the bucket limits requests too, and every answer tells how many are left', async (t) => {
  const clock = movableClock()
  const { ask } = await startForTest(t, { requestsPerMinute: 2, now: clock.now })
  await ask()
  const second = await ask()
  assert.equal(second.headers.get('x-ratelimit-remaining-requests'), '0')
  assert.equal(second.headers.get('x-ratelimit-reset-requests'), '1m0s')
  const refused = await failureOf(ask())
  assert.equal(refused.type, 'requests')
  assert.match(refused.message, /requests per min \(RPM\): Limit 2, Used 2, Requested 1\. Please try again in 30s/)
  clock.advance(30_000)
  await ask()
})

test('the minute window counts to the limit and starts over, however the calls were spread', async (t) => {
  const clock = movableClock()
  const { ask } = await startForTest(t, { dialect: 'azure', tokensPerMinute: 3_000, now: clock.now })
  const first = await ask({ max_completion_tokens: 2_000 })
  const charge = (first.data.usage?.prompt_tokens ?? 0) + 2_000
  assert.equal(first.headers.get('x-ratelimit-remaining-tokens'), String(3_000 - charge))
  assert.equal(first.headers.get('x-ratelimit-reset-tokens'), null)
  clock.advance(34_500)
  const refused = await failureOf(ask({ max_completion_tokens: 2_000 }))
  assert.equal(refused.status, 429)
  assert.equal(refused.code, '429')
  assert.match(
    refused.message,
    /exceeded token rate limit of your current OpenAI S0 pricing tier. Please retry after 26 seconds/,
  )
  assert.equal(refused.headers?.get('retry-after'), '26')
  assert.equal(refused.headers?.get('retry-after-ms'), '25500')
  assert.equal(refused.headers?.get('x-ratelimit-reset-tokens'), '26')
  assert.equal(refused.headers?.get('policy-id'), 'DeploymentRatelimit-Token')
  clock.advance(25_499)
  await failureOf(ask({ max_completion_tokens: 2_000 }))
  clock.advance(1)
  await ask({ max_completion_tokens: 2_000 })
})

test('the minute window checks requests in slices, so that a minute cannot be spent in a second', async (t) => {
  for (const [sliceSeconds, inSlice] of [
    [10, 2],
    [1, 1],
  ] as const) {
    const clock = movableClock()
    const options = {
      dialect: 'azure',
      requestsPerMinute: 12,
      requestSliceSeconds: sliceSeconds,
      now: clock.now,
    } as const
    const { ask } = await startForTest(t, options)
    for (let call = 0; call < inSlice; call++) await ask()
    const refused = await failureOf(ask())
    assert.equal(refused.headers?.get('retry-after'), String(sliceSeconds))
    assert.equal(refused.headers?.get('policy-id'), 'DeploymentRatelimit-Call')
    clock.advance(sliceSeconds * 1000)
    await ask()
  }
})

test('a request over the whole limit can never pass, and is told so without a time to wait', async (t) => {
  for (const dialect of ['openai', 'azure'] as const) {
    const { ask } = await startForTest(t, { dialect, tokensPerMinute: 1_000 })
    const refused = await failureOf(ask({ max_completion_tokens: 5_000 }))
    assert.ok(refused instanceof OpenAI.RateLimitError)
    assert.match(refused.message, /Request too large for gpt-4.1-mini .*Limit 1000, Requested 50\d\d/)
    assert.equal(refused.headers.get('retry-after'), null)
    assert.equal(refused.headers.get('retry-after-ms'), null)
    await ask({ max_completion_tokens: 500 })
  }
})

test('a call without a cap is charged as if it had one of 4,096', async (t) => {
  const { ask, model } = await startForTest(t)
  const { data } = await ask()
  assert.equal(model.totals.admittedTokens, (data.usage?.prompt_tokens ?? 0) + 4_096)
})

test('OpenAI sends its six limit headers on every answer, errors and unlimited accounts included', async (t) => {
  const { ask, client, model } = await startForTest(t)
  model.faults.next({ kind: 'serverError', status: 500 })
  const answers = [
    (await failureOf(ask())).headers,
    (await failureOf(ask({ messages: [] }))).headers,
    (await ask()).headers,
    (await client.models.list().withResponse()).response.headers,
  ]
  for (const headers of answers) {
    for (const unit of ['requests', 'tokens']) {
      assert.match(headers?.get(`x-ratelimit-limit-${unit}`) ?? '', /^\d+$/)
      assert.match(headers?.get(`x-ratelimit-remaining-${unit}`) ?? '', /^\d+$/)
      assert.match(headers?.get(`x-ratelimit-reset-${unit}`) ?? '', /^[\dhms.]+$/)
    }
  }
})
