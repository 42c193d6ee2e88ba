import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { after, before, describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { ServiceBusClient } from '@azure/service-bus'
import { logicAppBodies } from '../../deploy/local/demo/logic-app-bodies.ts'
import { textOf } from '../../deploy/local/model/chat-request.ts'
import { foreignWorkspace } from '../../deploy/local/sentinel/workspaces.ts'
import { type Stack, startStack } from '../../deploy/local/start-stack.ts'
import { createOpenApiCheck } from '../harness/openapi-check.ts'
import { WorkerProcess } from '../harness/worker-process.ts'

const openapi = new URL('../../../shared/openapi/', import.meta.url)
const samples = new URL('../../../shared/data/incidents.jsonl', import.meta.url)
const isForeign = (id: string) => id.includes(foreignWorkspace.subscriptionId)

describe('the main job, with a real worker process on the embedded stack', { timeout: 120_000 }, () => {
  let stack: Stack
  let worker: WorkerProcess
  let client: ServiceBusClient
  const fast = { SENTINEL_WRITES_PER_SECOND: '200', RETRY_BASE_SECONDS: '1' }

  before(async () => {
    stack = await startStack({ model: { latencyMs: 50 }, sentinelThrottle: false })
    client = new ServiceBusClient(stack.broker.connectionString)
    worker = new WorkerProcess({ ...stack.environment, ...fast }, 'run')
    await worker.line((line) => line.event === 'worker.started')
  })
  after(async () => {
    assert.equal(await worker.stop(), 0, worker.stderr)
    await client.close()
    await stack.close()
  })

  it('every incident gets its three tasks in order, once, and the tag beside the labels that were there', async () => {
    const { store } = stack.sentinel
    const open = store.incidents().filter((one) => one.properties.status !== 'Closed' && !isForeign(one.id))
    const incidents = open.slice(0, 40)
    const bodies = logicAppBodies(
      incidents,
      store.incidents().find((one) => isForeign(one.id)),
    )
    await client.createSender('incidents').sendMessages(bodies)
    await worker.settled(bodies.length)
    for (const was of incidents) {
      const tasks = store.tasks(was.id)
      assert.equal(tasks.length, 3, was.id)
      tasks.forEach((task, index) => {
        assert.equal(task.writes, 1)
        assert.equal(task.properties.status, 'New')
        assert.ok(task.properties.title.startsWith(`Step ${index + 1}: `), task.properties.title)
      })
      const now = store.incident(was.id)
      const names = (now.properties.labels ?? []).map((label) => label.labelName)
      assert.deepEqual(names, [...(was.properties.labels ?? []).map((label) => label.labelName), 'ai-enriched'])
      for (const name of ['title', 'description', 'severity', 'status', 'owner', 'firstActivityTimeUtc'] as const) {
        assert.deepEqual(now.properties[name], was.properties[name], `${name} of ${was.id}`)
      }
      assert.equal(store.writesOf(was.id).length, 4, 'four writes: three tasks and the tag')
    }
  })

  it('the conversation has exactly the published shape', () => {
    const asked = stack.model.journal.map((one) =>
      one.messages.map((message) => [message.role, textOf(message)] as const),
    )
    const first = asked.filter((messages) => messages.length === 2)
    const followUps = asked.filter((messages) => messages.length === 4)
    assert.deepEqual([asked.length, first.length, followUps.length], [160, 40, 120])
    for (const messages of first) {
      assert.deepEqual(
        messages.map(([role]) => role),
        ['system', 'user'],
      )
    }
    const questions = new Set(first.map((messages) => JSON.stringify(messages)))
    for (const messages of followUps) {
      assert.deepEqual(
        messages.map(([role]) => role),
        ['system', 'user', 'assistant', 'user'],
      )
      assert.ok(questions.has(JSON.stringify(messages.slice(0, 2))), 'the same system role and question go in front')
      assert.match(messages[3]?.[1] ?? '', /step [123] alone/)
    }
  })

  it('the wrong ones are dead letters with reason, dependency and a sentence, and the double one was skipped', () => {
    const { active, scheduled, deadLettered } = stack.broker.inspect('incidents')
    assert.deepEqual([active.length, scheduled.length], [0, 0])
    const reasons = deadLettered.map((letter) => letter.deadLetterReason).sort()
    assert.deepEqual(reasons, ['InvalidMessage', 'WorkspaceNotAllowed'])
    for (const letter of deadLettered) {
      assert.ok((letter.deadLetterDescription?.length ?? 0) > 40)
      assert.equal(letter.applicationProperties['enricher-dependency'], 'message')
      assert.ok(letter.applicationProperties['enricher-error-code'])
      assert.ok(!Number.isNaN(Date.parse(String(letter.applicationProperties['enricher-failed-at']))))
    }
    assert.equal(worker.lines.filter((line) => line.event === 'incident.skipped').length, 1)
  })

  it('bad input of every kind is dead-lettered, and the worker goes on', async () => {
    const before = stack.broker.inspect('incidents').deadLettered.length
    const dead = () => stack.broker.inspect('incidents').deadLettered.slice(before)
    const bad = [
      { body: Buffer.from('not JSON') },
      { body: { wrong: 'json' } },
      { body: 37_664 },
      { body: Buffer.alloc(0) },
      { body: 'value', bodyType: 'value' as const },
      { body: Buffer.from('/subscriptions/s/resourceGroups/r/providers/Microsoft.Compute/virtualMachines/v') },
      { body: Buffer.alloc(250_000, 'x') },
    ]
    const all = new Promise<void>((resolve) => {
      stack.broker.events.on('dead-lettered', () => setImmediate(() => dead().length === bad.length && resolve()))
    })
    for (const message of bad) await client.createSender('incidents').sendMessages(message)
    await all
    assert.deepEqual(
      dead().map((letter) => letter.deadLetterReason),
      bad.map(() => 'InvalidMessage'),
    )
  })

  it('no log line holds a key, a token, a prompt or an answer', () => {
    const log = worker.lines.map((line) => JSON.stringify(line)).join('\n')
    for (const secret of [
      'local-demo-key',
      'SAS_KEY_VALUE',
      'AccountKey',
      'demo model, not by',
      'operations analyst',
    ]) {
      assert.ok(!log.includes(secret), secret)
    }
  })

  const noApi = existsSync(openapi) ? false : 'the published API is not here (../shared/openapi)'
  it("the worker's writes are what the published API takes", { skip: noApi }, () => {
    const check = createOpenApiCheck(fileURLToPath(openapi))
    const { store } = stack.sentinel
    const writes = store.incidents().flatMap((one) => store.writesOf(one.id))
    assert.ok(writes.length >= 160)
    for (const write of writes) {
      const problems = check.request(write.method, `${write.path}?api-version=2025-09-01`, write.body)
      // Owners are written back as they were read: null where nobody owns it, which the description calls a string.
      assert.deepEqual(
        problems.filter((problem) => !problem.includes('owner')),
        [],
        write.path,
      )
    }
  })

  const noSamples = existsSync(samples) ? false : 'the samples are not here (../shared/data)'
  it('forty incidents of real analytic rules are enriched too', { skip: noSamples }, async () => {
    const { store } = stack.sentinel
    const lines = readFileSync(samples, 'utf8').split('\n').slice(0, 40)
    const recorded = lines.map((line) => store.addRecordedIncident(JSON.parse(line) as never))
    const workspaces = new Set(recorded.map((one) => one.id.split('/providers/Microsoft.SecurityInsights')[0] ?? ''))
    await worker.stop()
    worker = new WorkerProcess(
      { ...stack.environment, ...fast, SENTINEL_WORKSPACES: [...workspaces].join('\n') },
      'run',
    )
    await worker.line((line) => line.event === 'worker.started')
    await client.createSender('incidents').sendMessages(recorded.map((one) => ({ body: one.id })))
    await worker.settled(recorded.length)
    for (const one of recorded) {
      const wanted = one.properties.status === 'Closed' ? 0 : 3
      assert.equal(store.tasks(one.id).length, wanted, one.id)
    }
  })
})
