import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { ServiceBusClient, type ServiceBusMessage } from '@azure/service-bus'
import fc from 'fast-check'
import { europeWorkspace } from '../../deploy/local/sentinel/workspaces.ts'
import { startStack } from '../../deploy/local/start-stack.ts'
import { hostileText } from '../fixtures/hostile-text.ts'
import { useBundledWorker } from '../harness/bundled-worker.ts'
import { assertSafeHtml, assertSafeTitle } from '../harness/safe-html.ts'
import { WorkerProcess } from '../harness/worker-process.ts'

/** CI sends 10,000 (`.github/workflows/ci.yaml`); that takes a minute or two, so `npm test` sends fewer. */
const total = Number(process.env.FUZZ_MESSAGES ?? 1_000)
const seed = 20_261_124
const incidentCount = Math.min(300, Math.ceil(total / 20))

describe(`${total} generated messages through one worker process`, { timeout: 400_000 }, () => {
  it('the worker never dies, every message ends in one of the five outcomes, and no task is unsafe', async (t) => {
    await useBundledWorker()
    const stack = await startStack({ sentinelThrottle: false, model: { keepJournal: 10 } })
    const client = new ServiceBusClient(stack.broker.connectionString)
    const { store } = stack.sentinel
    const texts = fc.sample(hostileText, { numRuns: 3 * incidentCount, seed })
    const incidents = Array.from({ length: incidentCount }, (_, index) => {
      const [title = '', description = '', answer = ''] = texts.slice(3 * index)
      const mark = `Fuzz ${index}.`
      if (index % 2 === 0) stack.model.faults.always({ kind: 'says', text: `x ${answer}` }, mark)
      return store.addIncident({
        workspace: europeWorkspace,
        id: `f0220000-5eed-4a00-8000-${String(index).padStart(12, '0')}`,
        title: `${mark} ${title}`.toWellFormed().slice(0, 400),
        description: description.toWellFormed().slice(0, 4_000),
        severity: 'Low',
        status: index % 20 === 19 ? 'Closed' : 'New',
      })
    })
    const [known] = incidents
    assert.ok(known)

    const body: fc.Arbitrary<unknown> = fc.oneof(
      fc.json().map((json) => Buffer.from(json)),
      fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes)),
      hostileText.map((text) => text.toWellFormed()),
      hostileText.map((text) => ({ incidentArmId: text.toWellFormed() })),
      fc
        .tuple(fc.nat(known.id.length), hostileText)
        .map(([at, text]) => known.id.slice(0, at) + text.toWellFormed().slice(0, 9) + known.id.slice(at)),
      fc.constant(known.id.replace(/subscriptions\/[^/]+/, 'subscriptions/00000000-0000-0000-0000-00000000fade')),
    )
    const counter = fc.oneof(
      fc.integer({ min: -5, max: 2_000_000 }),
      hostileText.map((text) => text.toWellFormed()),
      fc.boolean(),
      fc.double({ noNaN: true, min: -1e9, max: 1e9 }),
    )
    const properties = fc.option(
      fc.record(
        {
          'enricher-attempt': counter,
          'enricher-copies': counter,
          'enricher-origin': counter,
          traceparent: counter,
          'Diagnostic-Id': counter,
        },
        { requiredKeys: [] },
      ),
      { nil: undefined, freq: 2 },
    )
    const bad = fc.sample(fc.record({ body, properties }), { numRuns: total - incidentCount, seed })
    const messages: ServiceBusMessage[] = [
      ...bad.map(({ body: given, properties: applicationProperties }, index) => ({
        body: given,
        messageId: `bad-${index}`,
        ...(applicationProperties
          ? { applicationProperties: applicationProperties as Record<string, string | number | boolean> }
          : {}),
      })),
      ...incidents.map(({ id }, index) => ({ body: id, messageId: `good-${index}` })),
    ]

    const worker = new WorkerProcess(
      {
        ...stack.environment,
        AZURE_TABLES_CONNECTION_STRING: '',
        STATE_STORE: 'memory',
        CONCURRENCY: '64',
        SENTINEL_WRITES_PER_SECOND: '10000',
        MAX_ATTEMPTS: '1',
        RETRY_BASE_SECONDS: '0.05',
        RETRY_MAX_SECONDS: '0.1',
      },
      'run',
    )
    await worker.line((line) => line.event === 'worker.started')
    const started = performance.now()
    const sender = client.createSender('incidents')
    // Good and bad ones mixed, as they would come.
    const mixed = messages
      .map((message, index) => ({ message, place: (index * 7_919) % 10_007 }))
      .sort((a, b) => a.place - b.place)
    for (let start = 0; start < total; ) {
      const batch = await sender.createMessageBatch()
      while (start < total && batch.tryAddMessage(mixed[start]?.message as ServiceBusMessage)) start++
      await sender.sendMessages(batch)
    }
    await worker.settled(total)
    const seconds = (performance.now() - started) / 1000
    assert.equal(await worker.stop(), 0, worker.stderr)
    await client.close()

    const counts = new Map<string, number>()
    for (const { event } of worker.lines)
      if (event?.startsWith('incident.')) counts.set(event, (counts.get(event) ?? 0) + 1)
    t.diagnostic(
      `${total} messages in ${seconds.toFixed(1)} s: ${[...counts].map(([event, count]) => `${event} ${count}`).join(', ')}`,
    )
    const final = ['incident.enriched', 'incident.skipped', 'incident.dead-lettered'].reduce(
      (sum, event) => sum + (counts.get(event) ?? 0),
      0,
    )
    assert.equal(final, total)
    const { active, scheduled, deadLettered } = stack.broker.inspect('incidents')
    assert.deepEqual(
      [active.length, scheduled.length, deadLettered.length],
      [0, 0, counts.get('incident.dead-lettered')],
    )
    assert.ok(
      (counts.get('incident.enriched') ?? 0) > incidentCount / 2 &&
        (counts.get('incident.skipped') ?? 0) >= incidentCount / 20,
    )
    assert.equal(
      worker.lines.filter((line) => line.msg === 'an unexpected error' || line.event === 'lease.lost').length,
      0,
    )
    for (const { id } of incidents) {
      for (const { properties: task } of store.tasks(id)) {
        assertSafeTitle(task.title, id)
        assertSafeHtml(task.description ?? '', 3_000, id)
      }
    }
    await stack.close()
  })
})
