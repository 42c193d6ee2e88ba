import assert from 'node:assert/strict'
import { once } from 'node:events'
import { test } from 'node:test'
import OpenAI from 'openai'
import type { ModelRequest } from '../../../deploy/local/model/journal.ts'
import { failureOf, question, startForTest } from './model-under-test.ts'

const error500 = { kind: 'serverError', status: 500 } as const
const error503 = { kind: 'overloaded' } as const
const followUp = [
  { role: 'user' as const, content: question },
  { role: 'assistant' as const, content: '1. **One**: a\n2. **Two**: b' },
  { role: 'user' as const, content: 'Give step 2 alone.' },
]

test('planned faults come in order and number, standing ones after them, until they are cleared', async (t) => {
  const { ask, model } = await startForTest(t)
  const statusOf = () =>
    ask().then(
      () => 200,
      (error: { status?: number }) => error.status,
    )
  model.faults.always({ kind: 'forbidden' })
  model.faults.next(error500, 2)
  model.faults.next(error503)
  const seen: (number | undefined)[] = []
  for (let call = 0; call < 5; call++) seen.push(await statusOf())
  assert.deepEqual(seen, [500, 500, 503, 403, 403])
  model.faults.clear()
  assert.equal(await statusOf(), 200)
})

test('a fault strikes only what it matches: a text, a turn, a test', async (t) => {
  const { ask, model } = await startForTest(t)
  model.faults.next(error500, 1, 'Another title')
  model.faults.next(error503, 1, { turn: 'follow-up', text: 'Password spray' })
  model.faults.always({ kind: 'refusal' }, (request) => request.model === 'gpt-4o')
  await ask()
  assert.equal((await failureOf(ask({ messages: followUp }))).status, 503)
  await ask({ messages: followUp })
  assert.equal((await failureOf(ask({ messages: [{ role: 'user', content: 'Title: Another title' }] }))).status, 500)
  assert.ok((await ask({ model: 'gpt-4o' })).data.choices[0]?.message.refusal)
})

test('a wrong key uses no planned fault up', async (t) => {
  const { ask, client, model } = await startForTest(t, { apiKeys: ['good'] })
  model.faults.next(error500)
  client.apiKey = 'bad'
  assert.equal((await failureOf(ask())).status, 401)
  client.apiKey = 'good'
  assert.equal((await failureOf(ask())).status, 500)
})

test('held requests are read and announced, and answered when they are let go', async (t) => {
  const { ask, model } = await startForTest(t)
  const announced: ModelRequest[] = []
  model.events.on('request', (request) => announced.push(request))
  const hold = model.faults.hold('Password spray')
  const answers: number[] = []
  const calls = [1, 2, 3].map((call) => ask().then(() => answers.push(call)))
  while (hold.waiting < 3) await once(model.events, 'request').then(() => new Promise(setImmediate))
  assert.equal(announced.length, 3)
  assert.ok(announced.every((request) => request.status === undefined && request.usage !== undefined))
  assert.equal(model.totals.inFlight, 3)
  await ask({ messages: [{ role: 'user', content: 'another incident passes' }] })
  assert.deepEqual(answers, [])
  hold.release(1)
  await Promise.race(calls)
  assert.equal(answers.length, 1)
  assert.equal(hold.waiting, 2)
  hold.release()
  await Promise.all(calls)
  await ask()
})

test('a client that goes away while it is held is billed and counted', async (t) => {
  const { client, model } = await startForTest(t)
  const hold = model.faults.hold()
  const gone = new AbortController()
  const call = client.chat.completions.create(
    { model: 'm', messages: [{ role: 'user', content: question }] },
    { signal: gone.signal },
  )
  const failing = failureOf(call)
  const [request] = (await once(model.events, 'request')) as [ModelRequest]
  while (hold.waiting === 0) await new Promise(setImmediate)
  gone.abort()
  assert.ok((await failing) instanceof OpenAI.APIUserAbortError)
  while (!request.disconnected) await new Promise((resolve) => setTimeout(resolve, 2))
  hold.release()
  assert.equal(request.status, undefined)
  assert.ok((request.usage?.total_tokens ?? 0) > 0)
  assert.equal(model.totals.disconnected, 1)
  assert.equal(model.totals.answered, 0)
})

test('events tell of a request before its answer, and of the answer with what it cost', async (t) => {
  const { ask, model } = await startForTest(t)
  const told: string[] = []
  model.events.on('request', (request) => told.push(`request ${request.messages.length} ${request.status}`))
  model.events.on('answered', (request, usage) => told.push(`answered ${request.status} ${usage?.total_tokens}`))
  model.events.on('refused', (request) => told.push(`refused ${request.status}`))
  const { data } = await ask()
  model.faults.next(error503)
  await failureOf(ask())
  assert.deepEqual(told, [
    'request 1 undefined',
    `answered 200 ${data.usage?.total_tokens}`,
    'request 1 undefined',
    'refused 503',
  ])
})

test('an outage cuts what is in flight and every new connection, and ends as if nothing had been', async (t) => {
  const { ask, model } = await startForTest(t)
  await ask()
  const hold = model.faults.hold()
  const inFlight = failureOf(ask())
  while (hold.waiting === 0) await new Promise(setImmediate)
  model.faults.outage(true)
  for (const error of [await inFlight, await failureOf(ask()), await failureOf(ask())]) {
    assert.ok(error instanceof OpenAI.APIConnectionError)
  }
  model.faults.outage(false)
  hold.release()
  await ask()
  assert.equal(model.totals.requests, 3)
})

test('latency is added to completions, by a seed that the prompt determines; a delay to everything', async (t) => {
  const seeds: number[] = []
  const latencyMs = (seed: number) => {
    seeds.push(seed)
    return 40
  }
  const { ask, model } = await startForTest(t, { latencyMs })
  const took = async (call: () => Promise<unknown>) => {
    const startedAt = performance.now()
    await call()
    return performance.now() - startedAt
  }
  assert.ok((await took(() => ask())) >= 38)
  await ask()
  await ask({ messages: followUp })
  assert.equal(seeds[0], seeds[1])
  assert.notEqual(seeds[0], seeds[2])
  model.faults.delay(60)
  model.faults.next(error503)
  assert.ok((await took(() => failureOf(ask()))) >= 58)
  assert.equal(seeds.length, 3, 'an error takes no model time')
  model.faults.delay(0)
})

test('closing ends what is held, stalled or slow', async (t) => {
  const { ask, model } = await startForTest(t, { latencyMs: 60_000 })
  model.faults.hold('never')
  model.faults.next({ kind: 'stallBeforeHeaders', ms: 60_000 })
  const calls = [failureOf(ask()), failureOf(ask()), failureOf(ask({ messages: [{ role: 'user', content: 'never' }] }))]
  while (model.totals.inFlight < 3) await new Promise((resolve) => setTimeout(resolve, 2))
  await model.close()
  for (const error of await Promise.all(calls)) assert.ok(error instanceof OpenAI.APIConnectionError)
})
