import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { before, describe, it, type TestContext } from 'node:test'
import { ServiceBusClient } from '@azure/service-bus'
import { type Stack, type StackOptions, startStack } from '../../deploy/local/start-stack.ts'
import { useBundledWorker } from '../harness/bundled-worker.ts'
import { type LogLine, WorkerProcess } from '../harness/worker-process.ts'

const enriched = (line: LogLine) => line.event === 'incident.enriched'

/** A stack, and one open incident's id on its queue; everything ends with the test. */
async function open(
  test: TestContext,
  options: StackOptions = {},
): Promise<{ stack: Stack; id: string; send(id?: string): Promise<void> }> {
  const stack = await startStack({ sentinelThrottle: false, ...options })
  const client = new ServiceBusClient(stack.broker.connectionString)
  const [first] = stack.sentinel.store.incidents()
  assert.ok(first)
  test.after(async () => {
    await client.close()
    await stack.close()
  })
  const send = (id = first.id) => client.createSender('incidents').sendMessages({ body: id })
  return { stack, id: first.id, send }
}

function work(test: TestContext, environment: Record<string, string>): WorkerProcess {
  const worker = new WorkerProcess(
    { SENTINEL_WRITES_PER_SECOND: '200', RETRY_BASE_SECONDS: '0.2', ...environment },
    'run',
  )
  test.after(() => worker.stop())
  return worker
}

describe('models and keys', { timeout: 120_000 }, () => {
  before(useBundledWorker)

  it('the economy playbook gets the same three tasks from one completion', async (test) => {
    const { stack, id, send } = await open(test)
    const worker = work(test, { ...stack.environment, PLAYBOOK: 'recommended-steps-economy' })
    await send()
    await worker.line(enriched)
    assert.equal(stack.model.totals.requests, 1)
    assert.equal(stack.sentinel.store.tasks(id).length, 3)
  })

  it("Azure OpenAI by the identity's token, without any key", async (test) => {
    const { stack, id, send } = await open(test, {
      model: { dialect: 'azure', apiKeys: [], acceptToken: (token) => token.startsWith('ey') },
    })
    const { OPENAI_API_KEY: _key, OPENAI_BASE_URL: _url, ...rest } = stack.environment
    const worker = work(test, {
      ...rest,
      AZURE_OPENAI_ENDPOINT: stack.model.azureEndpoint,
      OPENAI_MODEL: 'my-deployment',
    })
    await send()
    await worker.line(enriched)
    assert.equal(stack.sentinel.store.tasks(id).length, 3)
    assert.ok(
      stack.model.journal.every((one) => one.path === '/openai/v1/chat/completions' && one.model === 'my-deployment'),
    )
  })

  for (const [model, only] of [
    ['gpt-3.5-turbo', 'max_tokens'],
    ['gpt-4', 'max_completion_tokens'],
    ['gpt-5', 'either'],
  ] as const) {
    it(`${model}, on a server that takes ${only}: the parameter is learnt once`, async (test) => {
      const { stack, id, send } = await open(test, { model: { maxTokensParameter: only } })
      const worker = work(test, { ...stack.environment, OPENAI_MODEL: model })
      await send()
      await worker.line(enriched)
      assert.equal(stack.sentinel.store.tasks(id).length, 3)
      assert.ok(stack.model.totals.refused <= 1, `${stack.model.totals.refused} refused`)
    })
  }

  it('a parameter that many incidents at once are refused is learnt by each: no circuit opens', async (test) => {
    const { stack, send } = await open(test, { model: { maxTokensParameter: 'max_tokens', latencyMs: 20 } })
    const open12 = stack.sentinel.store
      .incidents()
      .filter((one) => one.properties.status !== 'Closed')
      .slice(0, 12)
    for (const one of open12) await send(one.id)
    const worker = work(test, stack.environment)
    await worker.settled(open12.length)
    const events = worker.lines.map((line) => line.event)
    assert.equal(events.filter((event) => event === 'incident.enriched').length, open12.length)
    assert.ok(!events.includes('circuit.opened') && !events.includes('incident.deferred'))
  })

  it('a wrong key is an outage: nothing is dead-lettered, and a new key in the file works without a restart', async (test) => {
    const { stack, id, send } = await open(test, { model: { apiKeys: ['right'] } })
    const folder = mkdtempSync(join(tmpdir(), 'enricher-key-'))
    test.after(() => rmSync(folder, { recursive: true, force: true }))
    const file = join(folder, 'key')
    writeFileSync(file, 'wrong\n')
    const { OPENAI_API_KEY: _key, ...rest } = stack.environment
    const worker = work(test, { ...rest, OPENAI_API_KEY_FILE: file })
    await send()
    await worker.line((line) => line.event === 'circuit.opened')
    await worker.line((line) => line.event === 'incident.deferred')
    writeFileSync(file, 'right\n')
    const line = await worker.line(enriched)
    assert.equal(line.attempt, 0, 'no attempt was used up')
    await worker.line((one) => one.event === 'circuit.closed')
    assert.equal(stack.sentinel.store.tasks(id).length, 3)
    assert.equal(stack.broker.inspect('incidents').deadLettered.length, 0)
  })

  it('a turn that writes a comment writes it once, also when the answer to the write is lost', async (test) => {
    const { stack, id, send } = await open(test)
    const folder = mkdtempSync(join(tmpdir(), 'enricher-playbook-'))
    test.after(() => rmSync(folder, { recursive: true, force: true }))
    const file = join(folder, 'both.yaml')
    writeFileSync(
      file,
      'name: both\nversion: 1\nmodel: gpt-4\ntag: both\nsystem: s\nturns:\n  - name: one\n    prompt: "Recommend 3 steps. Title: {{ incident.title }}"\n    maxCompletionTokens: 300\n    task: { title: Summary, description: "{{ answer }}" }\n    comment: "{{ answer }}"\n',
    )
    stack.sentinel.faults.dropAnswer({ times: 2, match: { method: 'PUT' } })
    const worker = work(test, { ...stack.environment, PLAYBOOK: file })
    await send()
    await worker.line(enriched)
    const tasks = stack.sentinel.store.tasks(id)
    assert.deepEqual(
      tasks.map((task) => task.writes),
      [1],
    )
    assert.equal(stack.sentinel.store.comments(id).length, 1)
  })

  it('SIGTERM hands the message back inside the grace period, and the next worker goes on from the paid answer', async (test) => {
    const { stack, id, send } = await open(test)
    const worker = new WorkerProcess({ ...stack.environment, SHUTDOWN_GRACE_SECONDS: '3' }, 'run')
    stack.model.faults.hold({ turn: 'follow-up' })
    const held = new Promise<void>((resolve) => {
      let followUps = 0
      stack.model.events.on('request', (request) => {
        if (request.messages.length === 4 && ++followUps === 3) resolve()
      })
    })
    await send()
    await held
    const started = Date.now()
    assert.equal(await worker.stop(), 0)
    assert.ok(Date.now() - started < 6_000)
    const released = worker.lines.find((line) => line.event === 'incident.released')
    assert.equal(released?.code, 'ShuttingDown')
    stack.model.faults.clear()
    const before = stack.model.journal.filter((one) => one.messages.length === 2).length
    const next = work(test, stack.environment)
    const line = await next.line(enriched)
    assert.equal(line.attempt, 0)
    assert.equal(
      stack.model.journal.filter((one) => one.messages.length === 2).length,
      before,
      'the first answer was paid once',
    )
    assert.equal(stack.sentinel.store.tasks(id).length, 3)
  })

  it('a run longer than the lock keeps it, a refused renewal included, and is done once', async (test) => {
    const { stack, id, send } = await open(test, { queue: { lockDurationMs: 3_000 }, model: { latencyMs: 2_500 } })
    let expired = 0
    stack.broker.events.on('lock-expired', () => expired++)
    stack.broker.faults.failRenewals(1)
    const worker = work(test, stack.environment)
    await send()
    await worker.line(enriched)
    assert.equal(expired, 0)
    assert.equal(stack.model.totals.requests, 4)
    assert.equal(stack.sentinel.store.tasks(id).length, 3)
  })

  it('an analyst who edits between every read and write loses nothing', async (test) => {
    const { stack, id, send } = await open(test)
    let edits = 0
    stack.sentinel.events.on('incident-read', () => {
      if (edits >= 5) return
      edits++
      stack.sentinel.store.editIncident(id, (properties) => {
        properties.severity = 'Low'
        properties.labels = [...(properties.labels ?? []), { labelName: `edit-${edits}`, labelType: 'User' }]
      })
    })
    const worker = work(test, stack.environment)
    await send()
    await worker.line(enriched)
    const { properties } = stack.sentinel.store.incident(id)
    const names = (properties.labels ?? []).map((label) => label.labelName)
    assert.equal(properties.severity, 'Low')
    for (const name of ['edit-1', 'edit-2', 'edit-3', 'edit-4', 'edit-5', 'ai-enriched'])
      assert.ok(names.includes(name), name)
  })
})
