import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { ServiceBusClient } from '@azure/service-bus'
import type { MessageView } from '../../deploy/local/service-bus/broker.ts'
import { type Stack, startStack } from '../../deploy/local/start-stack.ts'
import { useBundledWorker } from '../harness/bundled-worker.ts'
import { type LogLine, WorkerProcess } from '../harness/worker-process.ts'

/** One worker whose ladder has a single rung, so that a message's end comes within a second. */
describe("every outcome and dead-letter reason of the contract's section 4", { timeout: 120_000 }, () => {
  let stack: Stack
  let worker: WorkerProcess
  let client: ServiceBusClient
  const ladder = { MAX_ATTEMPTS: '1', RETRY_BASE_SECONDS: '0.1', SENTINEL_WRITES_PER_SECOND: '200' }

  before(async () => {
    await useBundledWorker()
    stack = await startStack({ sentinelThrottle: false })
    client = new ServiceBusClient(stack.broker.connectionString)
    worker = new WorkerProcess({ ...stack.environment, ...ladder }, 'run')
    await worker.line((line) => line.event === 'worker.started')
  })
  after(async () => {
    await worker.stop()
    await client.close()
    await stack.close()
  })

  const incident = (index: number) => {
    const one = stack.sentinel.store.incidents()[index]
    assert.ok(one)
    return one
  }
  const send = (body: string) => client.createSender('incidents').sendMessages({ body })
  const lineOf = (event: string, guid: string) =>
    worker.line((line: LogLine) => line.event === event && line.incident === guid)
  const letterOf = (guid: string): MessageView => {
    const letter = stack.broker.inspect('incidents').deadLettered.find((one) => String(one.body).includes(guid))
    assert.ok(letter, 'there is no dead letter')
    return letter
  }

  /** Sends an incident, waits for its dead letter, and checks what an operator is told. */
  async function diesAs(guid: string, id: string, reason: string, dependency: string): Promise<MessageView> {
    await send(id)
    await lineOf('incident.dead-lettered', guid)
    const letter = letterOf(guid)
    assert.equal(letter.deadLetterReason, reason)
    assert.equal(letter.applicationProperties['enricher-dependency'], dependency)
    assert.ok((letter.deadLetterDescription?.length ?? 0) > 40)
    assert.ok((letter.deadLetterDescription?.length ?? 0) <= 1_024)
    return letter
  }

  it('IncidentNotFound at once for an incident that Sentinel does not know', async () => {
    const guid = '00000000-0000-4000-8000-00000000dead'
    await diesAs(guid, incident(0).id.replace(incident(0).name, guid), 'IncidentNotFound', 'sentinel')
  })

  it('AccessDenied after the ladder, with its attempts counted, and other workspaces go on meanwhile', async () => {
    const workspaceOf = (id: string) => /workspaces\/([^/]+)/i.exec(id)?.[1] ?? ''
    const forbidden = incident(1)
    const other = stack.sentinel.store
      .incidents()
      .slice(10)
      .find((one) => workspaceOf(one.id) !== workspaceOf(forbidden.id))
    assert.ok(other)
    stack.sentinel.faults.forbidWorkspace(workspaceOf(forbidden.id), true)
    const letter = diesAs(forbidden.name, forbidden.id, 'AccessDenied', 'sentinel')
    await send(other.id)
    await lineOf('incident.enriched', other.name)
    const { applicationProperties, messageId } = await letter
    assert.equal(applicationProperties['enricher-attempt'], 1)
    assert.equal(applicationProperties['enricher-copies'], 1)
    assert.match(messageId, /~c1$/)
    assert.equal(messageId, `${applicationProperties['enricher-origin']}~c1`)
    stack.sentinel.faults.forbidWorkspace(workspaceOf(forbidden.id), false)
  })

  it('ContentFiltered at once when the provider refuses the text', async () => {
    const { name, id, properties } = incident(2)
    stack.model.faults.always({ kind: 'contentFilteredPrompt' }, { text: properties.title })
    await diesAs(name, id, 'ContentFiltered', 'model')
    stack.model.faults.clear()
  })

  it('AttemptsExhausted when the model keeps refusing this one incident', async () => {
    const { name, id, properties } = incident(3)
    stack.model.faults.always({ kind: 'refusal' }, { text: properties.title })
    await diesAs(name, id, 'AttemptsExhausted', 'model')
    stack.model.faults.clear()
  })

  it('TokenBudgetExceeded before anything is asked', async () => {
    await worker.stop()
    const asked = stack.model.totals.requests
    worker = new WorkerProcess({ ...stack.environment, ...ladder, TOKENS_PER_INCIDENT: '100' }, 'run')
    await diesAs(incident(4).name, incident(4).id, 'TokenBudgetExceeded', 'budget')
    assert.equal(stack.model.totals.requests, asked)
  })

  it('skipped without a model call: the tag is there already, or the incident is closed', async () => {
    const asked = stack.model.totals.requests
    stack.sentinel.store.editIncident(incident(5).id, (properties) => {
      properties.labels = [{ labelName: 'AI-Enriched', labelType: 'User' }]
    })
    stack.sentinel.store.editIncident(incident(6).id, (properties) => {
      properties.status = 'Closed'
    })
    await send(incident(5).id)
    await send(incident(6).id)
    assert.equal((await lineOf('incident.skipped', incident(5).name)).why, 'tagged')
    assert.equal((await lineOf('incident.skipped', incident(6).name)).why, 'closed')
    assert.equal(stack.model.totals.requests, asked)
    assert.equal(stack.sentinel.store.writesOf(incident(5).id).length, 0)
  })

  it('a second run rewrites nothing: a completed task stays completed, only a missing one is written, and no model is asked for nothing', async () => {
    await worker.stop()
    worker = new WorkerProcess({ ...stack.environment, ...ladder }, 'run')
    const { store } = stack.sentinel
    const { id, name } = incident(7)
    const again = async () => {
      store.editIncident(id, (properties) => {
        properties.labels = []
      })
      const seen = worker.lines.length
      await send(id)
      return await worker.line((line) => line.event === 'incident.enriched' && worker.lines.indexOf(line) >= seen)
    }
    await send(id)
    await lineOf('incident.enriched', name)
    const [first, second, third] = store.tasks(id)
    assert.ok(first && second && third)
    store.completeTask(id, first.name)
    const asked = stack.model.totals.requests
    assert.equal((await again()).written, 0)
    assert.equal(stack.model.totals.requests, asked, 'all tasks were there: only the tag was missing')
    store.deleteTask(id, third.name)
    assert.equal((await again()).written, 1)
    const now = store.tasks(id)
    assert.deepEqual(
      now.map((task) => [task.name, task.writes, task.properties.status]),
      [
        [first.name, 1, 'Completed'],
        [second.name, 1, 'New'],
        [third.name, 1, 'New'],
      ],
    )
  })

  it('a wrong configuration ends with 2 and tells every variable', async () => {
    const wrong = new WorkerProcess({ CONCURRENCY: 'many' }, 'run')
    assert.equal(await wrong.exited, 2)
    for (const name of [
      'SERVICEBUS_NAMESPACE',
      'SENTINEL_WORKSPACES',
      'OPENAI_API_KEY',
      'AZURE_TABLES_URL',
      'CONCURRENCY',
    ]) {
      assert.ok(wrong.stderr.includes(name), name)
    }
  })
})
