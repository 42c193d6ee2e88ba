import assert from 'node:assert/strict'
import { test } from 'node:test'
import OpenAI from 'openai'
import type { Fault } from '../../../deploy/local/model/fault.ts'
import { failureOf, type ModelUnderTest, type Parameters, startForTest } from './model-under-test.ts'

/** The SDK's raw result: some broken answers resolve with things that are no completion at all. */
async function struck(under: ModelUnderTest, fault: Fault, parameters: Parameters = {}) {
  under.model.faults.next(fault)
  const { data } = await under.ask(parameters)
  const entry = under.model.journal.at(-1)
  assert.deepEqual(entry?.fault, fault)
  return { data, entry, choice: data?.choices?.[0] }
}

test('a connection that is reset or refused shows as a connection error, and is not billed', async (t) => {
  const { ask, model } = await startForTest(t)
  for (const kind of ['reset', 'refuseConnection'] as const) {
    model.faults.next({ kind })
    const error = await failureOf(ask())
    assert.ok(error instanceof OpenAI.APIConnectionError, kind)
    assert.ok(!(error instanceof OpenAI.APIConnectionTimeoutError))
    assert.match(JSON.stringify(causes(error)), /ECONNRESET|UND_ERR_SOCKET/)
  }
  assert.equal(model.totals.requests, 1, 'a refused connection was no request')
  assert.equal(model.totals.disconnected, 1)
  assert.equal(model.journal[0]?.status, undefined)
  assert.equal(model.journal[0]?.usage, undefined)
  model.faults.next({ kind: 'refuseConnection' }, 1, 'Password spray')
  await failureOf(ask())
  assert.equal(model.totals.requests, 2, 'to match a text it has to be read')
})

test('a stall before the headers or in the body is a timeout for the client, and is billed', async (t) => {
  const { client, model, ask } = await startForTest(t)
  // Warm first: the time that loading takes would be the client's patience, and the request never be sent.
  await ask()
  const impatient = client.withOptions({ timeout: 200 })
  for (const kind of ['stallBeforeHeaders', 'stallBody'] as const) {
    model.faults.next({ kind, ms: 60_000 })
    const error = await failureOf(
      impatient.chat.completions.create({ model: 'm', messages: [{ role: 'user', content: 'x' }] }),
    )
    assert.ok(error instanceof OpenAI.APIConnectionTimeoutError, kind)
    assert.deepEqual(model.journal.at(-1)?.fault?.kind, kind)
    assert.ok((model.journal.at(-1)?.usage?.total_tokens ?? 0) > 0)
  }
  const { totals } = model
  assert.ok(totals.promptTokens > 0 && totals.completionTokens > 0)
})

test('a patient client gets the whole answer after a stall', async (t) => {
  const under = await startForTest(t)
  for (const kind of ['stallBeforeHeaders', 'stallBody'] as const) {
    const { choice, entry } = await struck(under, { kind, ms: 30 })
    assert.equal(choice?.message.content, entry?.answer)
  }
  assert.equal(under.model.totals.answered, 2)
})

test("a truncated body is a raw TypeError 'terminated', and is billed", async (t) => {
  const { ask, model } = await startForTest(t)
  model.faults.next({ kind: 'truncateBody' })
  const error = await failureOf(ask())
  assert.equal(error.constructor, TypeError)
  assert.equal(error.message, 'terminated')
  assert.match(JSON.stringify(causes(error)), /UND_ERR_SOCKET/)
  assert.ok((model.journal[0]?.usage?.completion_tokens ?? 0) > 0)
  assert.equal(model.totals.answered, 0)
})

test('malformed JSON is a raw SyntaxError, and is billed', async (t) => {
  const { ask, model } = await startForTest(t)
  model.faults.next({ kind: 'malformedJson' })
  assert.ok((await failureOf(ask())) instanceof SyntaxError)
  assert.ok((model.journal[0]?.usage?.completion_tokens ?? 0) > 0)
})

test('what is no completion resolves all the same: a page, nothing, an error, no choices', async (t) => {
  const under = await startForTest(t)
  const page = await struck(under, { kind: 'htmlPage' })
  assert.equal(typeof page.data, 'string')
  assert.equal(page.entry?.usage, undefined)
  const empty = await struck(under, { kind: 'emptyBody' })
  assert.equal(empty.data, undefined)
  assert.ok(empty.entry?.usage)
  const inside = await struck(under, { kind: 'errorInside200' })
  assert.ok('error' in inside.data)
  assert.equal(inside.entry?.usage, undefined)
  const noChoices = await struck(under, { kind: 'noChoices' })
  assert.deepEqual(noChoices.data.choices, [])
  assert.deepEqual(noChoices.data.usage, noChoices.entry?.usage)
})

test('a length stop has half of the text, or none when reasoning took it all; both are billed', async (t) => {
  const under = await startForTest(t)
  const whole = (await under.ask()).data.choices[0]?.message.content ?? ''
  const half = await struck(under, { kind: 'cutByLength' })
  assert.equal(half.choice?.finish_reason, 'length')
  assert.ok(whole.startsWith(half.choice?.message.content ?? '?'))
  assert.ok((half.choice?.message.content ?? '').length < whole.length)
  const none = await struck(under, { kind: 'emptyByLength' }, { max_completion_tokens: 300 })
  assert.equal(none.choice?.finish_reason, 'length')
  assert.equal(none.choice?.message.content, '')
  assert.equal(none.data.usage?.completion_tokens, 300)
  assert.equal(none.data.usage?.completion_tokens_details?.reasoning_tokens, 300)
})

test('a filtered answer, a failed filter and a refusal look as on Azure and OpenAI', async (t) => {
  const under = await startForTest(t, { dialect: 'azure' })
  const filtered = await struck(under, { kind: 'contentFilteredOutput' })
  assert.equal(filtered.choice?.finish_reason, 'content_filter')
  assert.match(JSON.stringify(filtered.choice), /"violence":\{"filtered":true/)
  const down = await struck(under, { kind: 'filterDown' })
  assert.equal(down.choice?.finish_reason, 'stop')
  assert.match(JSON.stringify(down.choice), /"content_filter_results":\{"error":\{"code":"content_filter_error"/)
  const refused = await struck(under, { kind: 'refusal' })
  assert.equal(refused.choice?.message.content, null)
  assert.match(refused.choice?.message.refusal ?? '', /can't help/)
  for (const { data, entry } of [filtered, down, refused]) assert.deepEqual(data.usage, entry?.usage)
})

test('structured answers can violate the schema or come in a fence', async (t) => {
  const under = await startForTest(t)
  const schema = {
    type: 'object',
    additionalProperties: false,
    required: ['summary'],
    properties: { summary: { type: 'string' } },
  }
  const format = { response_format: { type: 'json_schema', json_schema: { name: 's', strict: true, schema } } } as const
  const violating = await struck(under, { kind: 'schemaViolation' }, format)
  assert.ok(!('summary' in JSON.parse(violating.choice?.message.content ?? '{}')))
  const fenced = await struck(under, { kind: 'fencedJson' }, format)
  const inner = /^```json\n([\s\S]+)\n```$/.exec(fenced.choice?.message.content ?? '')?.[1]
  assert.ok('summary' in JSON.parse(inner ?? '{}'))
})

function causes(error: unknown): unknown[] {
  const chain: unknown[] = []
  for (let one = error; one instanceof Error; one = one.cause)
    chain.push({ message: one.message, code: (one as { code?: unknown }).code })
  return chain
}
