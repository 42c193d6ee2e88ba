import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createMemoryLedgerStore } from '../../../worker/budget/ledger-store.ts'
import { assertChargedOnce, startCase, testCases } from './failure-case.ts'

/** Cases 1 to 8. A 429 is never billed, so nothing is charged for it; the fleet goes on with 85 % after a burst of them. */
testCases([
  {
    name: 'case 1: a rate limit that passes soon (OpenAI) is waited out as asked, by the whole fleet',
    faults: [{ kind: 'rateLimited', retryAfterMs: 40 }],
    requests: 2,
    waitsMs: [40],
    ends: 'answered',
    blockedMs: 40,
    share: 0.85,
  },
  {
    name: 'case 1: the same from Azure, in seconds, with code "429"',
    dialect: 'azure',
    faults: [{ kind: 'rateLimited', retryAfterSeconds: 17, by: 'requests' }],
    requests: 2,
    waitsMs: [17_000],
    ends: 'answered',
    blockedMs: 17_000,
    share: 0.85,
  },
  {
    name: 'case 1: a limit that stays is asked three times, then by a delayed copy that uses up no attempt',
    always: { kind: 'rateLimited', retryAfterMs: 30 },
    requests: 3,
    waitsMs: [30, 30],
    ends: { deferMs: 15_000, attempt: 0 },
    code: 'rate_limit_exceeded',
    blockedMs: 90,
    share: 0.85,
  },
  {
    name: 'case 2: a wait of a day becomes a delayed copy of an hour, and holds the fleet no longer than that',
    dialect: 'azure',
    faults: [{ kind: 'rateLimited', retryAfterSeconds: 86_400 }],
    requests: 1,
    ends: { deferMs: 3_600_000, attempt: 0 },
    code: '429',
    blockedMs: 3_600_000,
    share: 0.85,
  },
  {
    name: 'case 2: no Retry-After, but nothing remaining and a reset in 6m0s: a delayed copy of six minutes',
    faults: [{ kind: 'rateLimited', noHeaders: true, noMessage: true, resetSeconds: 360 }],
    requests: 1,
    ends: { deferMs: 360_000, attempt: 0 },
    blockedMs: 360_000,
    share: 0.85,
  },
  {
    name: "case 2: the same in Azure's bare seconds",
    dialect: 'azure',
    faults: [{ kind: 'rateLimited', noHeaders: true, noMessage: true, resetSeconds: 55 }],
    requests: 1,
    ends: { deferMs: 55_000, attempt: 0 },
    blockedMs: 55_000,
    share: 0.85,
  },
  {
    name: 'case 3: no headers, but "retry after 17 seconds" in the message (Azure)',
    dialect: 'azure',
    faults: [{ kind: 'rateLimited', noHeaders: true, messageSeconds: 17 }],
    requests: 2,
    waitsMs: [17_000],
    ends: 'answered',
    blockedMs: 17_000,
    share: 0.85,
  },
  {
    name: 'case 3: no headers, but "try again in 6m0s" in the message (OpenAI)',
    faults: [{ kind: 'rateLimited', noHeaders: true, messageSeconds: 360 }],
    requests: 1,
    ends: { deferMs: 360_000, attempt: 0 },
    blockedMs: 360_000,
    share: 0.85,
  },
  {
    name: 'case 3: a 429 that says nothing at all is asked again after ten seconds, twice, then by a delayed copy',
    always: { kind: 'rateLimited', noHeaders: true, noMessage: true },
    requests: 3,
    waitsMs: [10_000, 10_000],
    ends: { deferMs: 15_000, attempt: 0 },
    blockedMs: 30_000,
    // Ten seconds apart each is a burst of its own; 0.02 is won back in between.
    share: ((0.85 + 0.02) * 0.85 + 0.02) * 0.85,
  },
  {
    name: 'case 4: slow_down is not asked again at once, and halves what the fleet asks for',
    always: { kind: 'slowDown', retryAfterSeconds: 20 },
    requests: 1,
    ends: { deferMs: 20_000, attempt: 0 },
    code: 'slow_down',
    blockedMs: 20_000,
    share: 0.5,
  },
  {
    name: 'case 4: slow_down with a 503, as it was once, is the same and no outage',
    always: { kind: 'slowDown', status: 503 },
    requests: 1,
    ends: { deferMs: 15_000, attempt: 0 },
    code: 'slow_down',
    blockedMs: 10_000,
    share: 0.5,
  },
  {
    name: 'case 5: a request larger than the limit is asked once more with less evidence',
    faults: [{ kind: 'requestTooLarge', limit: 1_000, requested: 1_100 }],
    requests: 2,
    ends: 'answered',
  },
  {
    name: 'case 5: a request that is too large with less evidence too is a dead letter, never asked for ever',
    dialect: 'azure',
    always: { kind: 'requestTooLarge', limit: 1_000, requested: 1_100 },
    requests: 2,
    ends: { deadLetter: 'TokenBudgetExceeded' },
  },
  ...(['insufficient_quota', 'credit_balance_exhausted', 'billing_hard_limit_reached'] as const).map((code) => ({
    name: `case 6: ${code} is an outage: the circuit opens at once, nothing is dead-lettered`,
    always: { kind: 'insufficientQuota' as const, code },
    requests: 1,
    ends: { deferMs: 1_000, attempt: 0 as const },
    code,
    opensCircuit: true,
  })),
  {
    name: 'case 8: no capacity for flex is waited for: that tier was chosen for its price, so no other is paid for',
    faults: [{ kind: 'flexUnavailable' }],
    requests: 2,
    waitsMs: [10_000],
    ends: 'answered',
    blockedMs: 10_000,
    share: 0.85,
  },
])

test('case 4: after slow_down the share grows by half in a quarter of an hour, not sooner', async (t) => {
  const under = await startCase(t)
  under.model.faults.next({ kind: 'slowDown' })
  await under.attempt()
  await under.clock.sleep(15 * 60_000)
  under.model.faults.next({ kind: 'rateLimited', retryAfterMs: 1 })
  const { ledger } = await under.attempt()
  const share = (ledger.models['gpt-4.1-mini']?.share ?? 0) / 0.85
  assert.ok(share >= 0.75 && share < 0.76, `${share}`)
})

test('case 7: a spent day waits for the next one, whatever the severity, and asks nothing', async (t) => {
  const { attempt, clock } = await startCase(t, { limits: { tokensPerDay: 100 } })
  const result = await attempt()
  const { outcome, requests, failure } = result
  assert.equal(failure?.code, 'TokensPerDay')
  assert.ok(outcome.outcome === 'deferred' && outcome.attempt === 0)
  const sinceMidnightMs = (clock.now() + outcome.delayMs) % 86_400_000
  assert.ok(sinceMidnightMs < 5_000, `it wakes ${sinceMidnightMs} ms after midnight UTC`)
  assert.equal(requests.length, 0)
  assertChargedOnce(result)
})

test('case 7: a minute that is reserved for longer than a slot waits becomes a delayed copy', async (t) => {
  const store = createMemoryLedgerStore()
  const { attempt } = await startCase(t, { limits: { tokensPerMinute: 1_000 }, store })
  await attempt()
  const other = await startCase(t, { limits: { tokensPerMinute: 1_000 }, store })
  const { outcome, requests, failure, spentTokens } = await other.attempt()
  assert.equal(failure?.code, 'TokensPerMinute')
  assert.ok(outcome.outcome === 'deferred' && outcome.attempt === 0 && outcome.delayMs > 20_000)
  assert.deepEqual([requests.length, spentTokens], [0, 0])
})

test("case 7: what does not fit the incident's budget is a dead letter before it costs anything", async (t) => {
  const { attempt } = await startCase(t, { tokensPerIncident: 200 })
  const result = await attempt()
  assert.ok(result.outcome.outcome === 'dead-lettered' && result.outcome.reason === 'TokenBudgetExceeded')
  assert.equal(result.requests.length, 0)
  assertChargedOnce(result)
})
