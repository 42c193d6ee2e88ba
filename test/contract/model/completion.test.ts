import assert from 'node:assert/strict'
import { test } from 'node:test'
import { encode as encodeCl100k } from 'gpt-tokenizer/encoding/cl100k_base'
import { encode } from 'gpt-tokenizer/encoding/o200k_base'
import { question, startForTest } from './model-under-test.ts'

const asText = { disallowedSpecial: new Set<string>() }
const count = (text: string) => encode(text, asText).length

test('a completion has every member that the API documents', async (t) => {
  const { ask } = await startForTest(t)
  const { data, headers } = await ask()
  assert.match(data.id, /^chatcmpl-\w{20,}$/)
  assert.equal(data.object, 'chat.completion')
  assert.ok(Math.abs(data.created - Date.now() / 1000) < 60)
  assert.equal(data.model, 'gpt-4.1-mini')
  assert.equal(data.service_tier, 'default')
  assert.ok(data.system_fingerprint)
  const [choice] = data.choices
  assert.equal(data.choices.length, 1)
  assert.equal(choice?.index, 0)
  assert.equal(choice?.finish_reason, 'stop')
  assert.equal(choice?.message.role, 'assistant')
  assert.equal(choice?.message.refusal, null)
  assert.ok(choice?.message.content)
  assert.match(headers.get('x-request-id') ?? '', /^req_\w+$/)
  assert.match(headers.get('openai-processing-ms') ?? '', /^\d+$/)
})

test("in the Azure dialect the ids and the filter verdicts are Azure's", async (t) => {
  const { ask } = await startForTest(t, { dialect: 'azure' })
  const { data, headers } = await ask()
  assert.match(headers.get('apim-request-id') ?? '', /^[0-9a-f-]{36}$/)
  assert.equal(headers.get('x-request-id'), null)
  const body = data as unknown as { prompt_filter_results: { content_filter_results: { jailbreak: unknown } }[] }
  assert.deepEqual(body.prompt_filter_results[0]?.content_filter_results.jailbreak, {
    filtered: false,
    detected: false,
  })
})

test("usage is the tokenizer's count: 3 and the role per message, 3 for the answer", async (t) => {
  const { ask } = await startForTest(t)
  const { data } = await ask({
    messages: [
      { role: 'system', content: 'You are an analyst.' },
      { role: 'user', content: question },
    ],
  })
  const prompt = 3 + (3 + 1 + count('You are an analyst.')) + (3 + 1 + count(question))
  assert.equal(data.usage?.prompt_tokens, prompt)
  assert.equal(data.usage?.completion_tokens, count(data.choices[0]?.message.content ?? ''))
  assert.equal(data.usage?.total_tokens, prompt + (data.usage?.completion_tokens ?? 0))
})

test('older models are counted with their own encoding', async (t) => {
  const { ask } = await startForTest(t)
  const content = 'Überprüfung der Anmeldeereignisse — 多个失败的登录'
  for (const [model, tokens] of [
    ['gpt-3.5-turbo', encodeCl100k(content).length],
    ['gpt-4', encodeCl100k(content).length],
    ['gpt-4o', count(content)],
  ] as const) {
    const { data } = await ask({ model, messages: [{ role: 'user', content }] })
    assert.equal(data.usage?.prompt_tokens, tokens + 7, model)
  }
})

test('text parts are counted and answered as text', async (t) => {
  const { ask } = await startForTest(t)
  const { data } = await ask({ messages: [{ role: 'user', content: [{ type: 'text', text: question }] }] })
  assert.equal(data.usage?.prompt_tokens, count(question) + 7)
  assert.match(data.choices[0]?.message.content ?? '', /^1\. /)
})

test('special tokens and 200 kB of one letter are counted in time, and refuse nothing', async (t) => {
  const { ask } = await startForTest(t)
  const startedAt = performance.now()
  await ask({ messages: [{ role: 'user', content: `<|endoftext|><|im_start|>system ${'a'.repeat(200_000)}` }] })
  assert.ok(performance.now() - startedAt < 3_000)
})

test('a completion stops at its cap, and says so', async (t) => {
  const { ask } = await startForTest(t)
  const { data } = await ask({ max_completion_tokens: 17 })
  assert.equal(data.choices[0]?.finish_reason, 'length')
  assert.equal(data.usage?.completion_tokens, 17)
  assert.equal(count(data.choices[0]?.message.content ?? ''), 17)
})

test('a reasoning model spends reasoning tokens unless told not to, and they count against the cap', async (t) => {
  const { ask } = await startForTest(t)
  const { data: thought } = await ask({ model: 'gpt-5-mini' })
  const reasoning = thought.usage?.completion_tokens_details?.reasoning_tokens ?? 0
  assert.ok(reasoning > 0)
  assert.equal(thought.usage?.completion_tokens, reasoning + count(thought.choices[0]?.message.content ?? ''))
  for (const reasoning_effort of ['none', 'minimal'] as const) {
    const { data } = await ask({ model: 'gpt-5-mini', reasoning_effort })
    assert.equal(data.usage?.completion_tokens_details?.reasoning_tokens, 0)
  }
  const { data: starved } = await ask({ model: 'o4-mini', max_completion_tokens: 50 })
  assert.equal(starved.choices[0]?.finish_reason, 'length')
  assert.equal(starved.choices[0]?.message.content, '')
  assert.equal(starved.usage?.completion_tokens_details?.reasoning_tokens, 50)
})

test('a repeated prefix of 1,024 tokens or more is cached, in steps of 128, for ten minutes', async (t) => {
  let at = 1_800_000_000_000
  const { ask, model } = await startForTest(t, { now: () => at })
  const system = 'Evidence line with some words in it. '.repeat(200)
  const cachedFor = async (content: string) => {
    const { data } = await ask({
      messages: [
        { role: 'system', content: system },
        { role: 'user', content },
      ],
    })
    return data.usage?.prompt_tokens_details?.cached_tokens ?? -1
  }
  assert.equal(await cachedFor('one'), 0)
  const prefix = 4 + count(system)
  const cached = await cachedFor('two, which is different')
  assert.ok(prefix >= 1_024)
  assert.equal(cached, Math.floor(prefix / 128) * 128)
  assert.equal(model.totals.cachedTokens, cached)
  const { data: short } = await ask()
  const { data: again } = await ask()
  assert.equal(short.usage?.prompt_tokens_details?.cached_tokens, 0)
  assert.equal(again.usage?.prompt_tokens_details?.cached_tokens, 0)
  at += 11 * 60_000
  assert.equal(await cachedFor('three'), 0)
})

test('the same request gets the same answer; n of them when n are asked for', async (t) => {
  const { ask } = await startForTest(t)
  const [one, two] = [await ask(), await ask({ n: 2 })]
  const text = one.data.choices[0]?.message.content
  assert.deepEqual(
    two.data.choices.map((choice) => choice.message.content),
    [text, text],
  )
  assert.equal(two.data.usage?.completion_tokens, 2 * (one.data.usage?.completion_tokens ?? 0))
})

test('the journal keeps what was asked and charged, never shows a key, and stays bounded', async (t) => {
  const { ask, model } = await startForTest(t, { apiKeys: ['sk-very-secret'], keepJournal: 10 })
  const { data, headers } = await ask({ max_completion_tokens: 300, metadata: { case: '7' } })
  const [entry] = model.journal
  assert.equal(entry?.id, headers.get('x-request-id'))
  assert.equal(entry?.path, '/v1/chat/completions')
  assert.deepEqual(entry?.messages, [{ role: 'user', content: question }])
  assert.deepEqual(entry?.parameters, { model: 'gpt-4.1-mini', max_completion_tokens: 300, metadata: { case: '7' } })
  assert.deepEqual(entry?.usage, data.usage)
  assert.equal(entry?.status, 200)
  assert.equal(entry?.answer, data.choices[0]?.message.content)
  assert.equal(entry?.admittedTokens, (data.usage?.prompt_tokens ?? 0) + 300)
  assert.equal(entry?.keyUsed, 'sk-very-secret')
  assert.ok(!JSON.stringify(entry).includes('sk-very-secret'))
  for (let call = 0; call < 90; call++) await ask()
  assert.ok(model.journal.length <= 10 + 64)
  assert.equal(model.totals.requests, 91)
  assert.equal(model.totals.answered, 91)
  assert.equal(model.totals.promptTokens, 91 * (data.usage?.prompt_tokens ?? 0))
  assert.equal(model.totals.inFlight, 0)
})
