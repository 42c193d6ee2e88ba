import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { after, before, describe, it } from 'node:test'
import { gunzipSync } from 'node:zlib'
import { ServiceBusClient } from '@azure/service-bus'
import { europeWorkspace } from '../../deploy/local/sentinel/workspaces.ts'
import { type Stack, startStack } from '../../deploy/local/start-stack.ts'
import {
  attributeNames,
  genAiMetrics,
  latestGenAiMetrics,
  metricNames,
} from '../../worker/telemetry/telemetry-names.ts'
import { useBundledWorker } from '../harness/bundled-worker.ts'
import { Fleet } from '../harness/fleet.ts'
import { type ReceivedPoint, type ReceivedSpan, startOtlpReceiver } from '../harness/otlp-receiver.ts'
import { startOutage } from '../harness/outage.ts'
import { WorkerProcess } from '../harness/worker-process.ts'

const traceId = '4bf92f3577b34da6a3ce929d0e0e4736'
const senderSpan = '00f067aa0ba902b7'
const sent = `00-${traceId}-${senderSpan}-01`
const secretTitle = 'Nobody may read this title'
const secretDescription = 'nor this description of 203.0.113.45'

const dayLimits = { TOKENS_PER_DAY: '1000000', TOKENS_PER_DAY_PER_WORKSPACE: '900000' }

const clockStepNs = 2_000_000

describe('telemetry', { timeout: 120_000 }, () => {
  let stack: Stack
  let client: ServiceBusClient
  let made = 0
  before(async () => {
    await useBundledWorker()
    stack = await startStack({ sentinelThrottle: false })
    client = new ServiceBusClient(stack.broker.connectionString)
  })
  after(async () => {
    await client.close()
    await stack.close()
  })

  function add() {
    return stack.sentinel.store.addIncident({
      workspace: europeWorkspace,
      id: `7e1e0000-5eed-4a00-8000-${String(++made).padStart(12, '0')}`,
      title: `${secretTitle} ${made}.`,
      description: secretDescription,
      severity: 'High',
    })
  }
  const start = async (environment: Record<string, string>) => {
    const fast = {
      SENTINEL_WRITES_PER_SECOND: '1000',
      RETRY_BASE_SECONDS: '0.2',
      MAX_ATTEMPTS: '2',
      OTEL_METRIC_EXPORT_INTERVAL: '1000',
    }
    const worker = new WorkerProcess({ ...stack.environment, ...fast, ...environment }, 'run')
    await worker.line((line) => line.event === 'worker.started')
    return worker
  }

  it("over OTLP: a span per incident with its get, turns, calls, writes and settlement, under the sender's trace; every metric; no text", async () => {
    const receiver = await startOtlpReceiver()
    const worker = await start({ OTEL_EXPORTER_OTLP_ENDPOINT: receiver.endpoint, ...dayLimits })
    const [good, broken] = [add(), add()]
    stack.model.faults.next({ kind: 'refusal' }, 1, `${secretTitle} 2.`)
    const sender = client.createSender('incidents')
    await sender.sendMessages([
      { body: good.id, messageId: 'good', applicationProperties: { 'Diagnostic-Id': sent } },
      { body: broken.id, messageId: 'broken', applicationProperties: { traceparent: 'nonsense' } },
      { body: 'no incident', messageId: 'poison' },
    ])
    await worker.settled(3)
    assert.equal(await worker.stop(), 0, worker.stderr)
    await receiver.close()
    const { spans } = receiver
    const messageOf = (id: string) => spans.filter((span) => span.attributes[attributeNames.messagingMessageId] === id)
    const childrenOf = (span: ReceivedSpan) => spans.filter((one) => one.parentSpanId === span.spanId)

    const [root] = messageOf('good')
    assert.ok(root)
    assert.deepEqual(
      [root.traceId, root.parentSpanId, root.kind, root.name],
      [traceId, senderSpan, 5, 'process incidents'],
    )
    assert.equal(root.attributes[attributeNames.outcome], 'enriched')
    assert.equal(root.attributes[attributeNames.incident], good.name)
    const names = childrenOf(root)
      .sort((a, b) => a.startNs - b.startNs)
      .map((span) => span.name)
    assert.deepEqual(
      names.filter((name) => !name.startsWith('turn')),
      [
        'sentinel get incident',
        'sentinel list tasks',
        ...Array(3).fill('sentinel create task'),
        'sentinel get incident',
        'sentinel put incident',
        'settle incidents',
      ],
    )
    const turns = childrenOf(root).filter((span) => span.name.startsWith('turn'))
    assert.deepEqual(
      turns.map((span) => `${span.attributes[attributeNames.turn]}/${span.attributes[attributeNames.step]}`).sort(),
      ['plan/1', 'step/1', 'step/2', 'step/3'],
    )
    for (const turn of turns) {
      const [chat] = childrenOf(turn)
      assert.equal(chat?.name, 'chat gpt-4.1-mini')
      assert.equal(chat?.kind, 3)
      assert.equal(chat?.attributes[attributeNames.conversation], good.name)
      assert.ok(Number(chat?.attributes[attributeNames.inputTokens]) > 100)
      assert.deepEqual(chat?.attributes[attributeNames.finishReasons], ['stop'])
    }
    assert.ok(
      // Each span takes its start from the wall clock, in whole milliseconds.
      spans.filter((span) => span.traceId === traceId).every((span) => span.endNs <= root.endNs + clockStepNs),
      'everything ends inside the incident',
    )

    // The refused one was deferred: its copy is in the same trace, below the span that sent it.
    const [first] = messageOf('broken')
    const [copy] = messageOf('broken~c1')
    assert.ok(first && copy)
    assert.equal(first.parentSpanId, '', 'what is no trace context is none')
    assert.deepEqual(
      [first.attributes[attributeNames.outcome], copy.attributes[attributeNames.outcome]],
      ['deferred', 'enriched'],
    )
    assert.deepEqual([copy.traceId, copy.parentSpanId], [first.traceId, first.spanId])
    assert.equal(messageOf('poison')[0]?.attributes[attributeNames.reason], 'InvalidMessage')

    for (const [name, unit] of Object.values(metricNames)) {
      const [point] = receiver.latest(name)
      assert.ok(point, name)
      assert.equal(point.unit, unit)
    }
    const settled = Object.fromEntries(
      receiver.latest(metricNames.settled[0]).map((point) => [point.attributes[attributeNames.outcome], point.value]),
    )
    assert.deepEqual(settled, { enriched: 2, skipped: 0, deferred: 1, released: 0, 'dead-lettered': 1 })
    assert.deepEqual(
      receiver.latest(metricNames.deadLetters[0]).map((point) => [point.attributes, point.value]),
      [[{ [attributeNames.reason]: 'InvalidMessage', [attributeNames.dependency]: 'message' }, 1]],
    )
    assert.deepEqual(
      receiver.latest(metricNames.refusals[0]).map((point) => [point.attributes[attributeNames.refusal], point.value]),
      [['refusal', 1]],
    )
    const lines = worker.lines.filter((line) => Number(line.calls) > 0)
    const logged = lines.reduce((sum, line) => sum + Number(line.promptTokens) + Number(line.completionTokens), 0)
    assert.equal(
      receiver.latest(metricNames.tokens[0]).reduce((sum, point) => sum + point.value, 0),
      logged,
      'the log and the metrics count the same tokens',
    )
    const workspace = europeWorkspace.armId.toLowerCase()
    for (const [name] of [metricNames.tokens, metricNames.cost]) {
      for (const point of receiver.latest(name))
        assert.equal(point.attributes[attributeNames.workspace], workspace, name)
    }
    assert.ok((receiver.latest(metricNames.cost[0])[0]?.value ?? 0) > 0)
    // Each call waited for its reservation, and both budgets are short of what was charged.
    const calls = receiver.latest(metricNames.calls[0]).reduce((sum, point) => sum + point.value, 0)
    assert.equal(receiver.latest(metricNames.reservationWait[0])[0]?.value, calls)
    const left = receiver.latest(metricNames.budgetLeft[0])
    assert.deepEqual(
      left.map(({ attributes, value }) => [
        attributes[attributeNames.scope],
        attributes[attributeNames.workspace],
        value,
      ]),
      [
        ['day', undefined, 1_000_000 - logged],
        ['workspace-day', workspace, 900_000 - logged],
      ],
    )
    for (const name of Object.values(genAiMetrics)) assert.ok(receiver.latest(name).length > 0, name)
    for (const name of Object.values(latestGenAiMetrics)) assert.equal(receiver.latest(name).length, 0, name)

    const known = new Set<string>(Object.values(attributeNames))
    for (const span of [...spans, ...receiver.points])
      for (const name of Object.keys(span.attributes)) assert.ok(known.has(name), name)
    const bytes = receiver.requests.map((request) => request.bytes.toString('latin1')).join('\n')
    for (const text of [
      secretTitle,
      secretDescription,
      '203.0.113.45',
      'operations analyst',
      'demo model',
      'local-demo-key',
    ])
      assert.ok(!bytes.includes(text), text)
  })

  it('what happens to leases, circuits and slots is in the metrics when it happens', async () => {
    const fleet = await Fleet.open({ queue: { lockDurationMs: 4_000 }, model: { latencyMs: 3_000 } })
    const receiver = await startOtlpReceiver()
    try {
      const worker = fleet.start({
        OTEL_EXPORTER_OTLP_ENDPOINT: receiver.endpoint,
        OTEL_METRIC_EXPORT_INTERVAL: '500',
        CONCURRENCY: '2',
      })
      /** Resolves with a point, past or to come. */
      const seen = async ([name]: readonly [string, ...string[]], fits: (point: ReceivedPoint) => boolean) => {
        for (;;) {
          const point = receiver.points.find((one) => one.name === name && fits(one))
          if (point) return point
          await once(receiver.events, 'received')
        }
      }
      await fleet.sendNew(1)
      await seen(metricNames.inFlight, ({ value }) => value === 1)
      await seen(metricNames.leaseRenewals, ({ value }) => value >= 1)
      const [taken] = fleet.stack.broker.inspect('incidents').active
      assert.ok(taken && fleet.stack.broker.faults.expireLock(taken.sequenceNumber))
      await worker.line((line) => line.event === 'lease.lost')
      await seen(metricNames.leaseLosses, ({ value }) => value === 1)
      await worker.settled(1)
      const enriched = await seen(metricNames.timeToEnrichment, ({ value }) => value === 1)
      const arrived = receiver.latest(metricNames.queueTime[0])[0]
      // Only what was enriched has a time to enrichment; the wait for the lock to end is in it, and two turns of three seconds.
      assert.ok((enriched.sum ?? 0) > 6, `${enriched.sum} s`)
      assert.equal(arrived?.value, 2, 'both deliveries waited in the queue')
      await seen(metricNames.attempts, ({ value, sum }) => value === 1 && sum === 0)
      await seen(metricNames.inFlight, ({ value }) => value === 0)

      const ofModel = ({ attributes }: ReceivedPoint) => attributes[attributeNames.circuit] === 'model'
      await seen(metricNames.circuit, (point) => ofModel(point) && point.value === 0)
      const outage = startOutage(fleet.stack, ['model'])
      await fleet.sendNew(2)
      await seen(metricNames.circuit, (point) => ofModel(point) && point.value === 2)
      outage.end()
      await worker.line((line) => line.event === 'circuit.closed')
      await worker.stop()
      assert.equal(receiver.latest(metricNames.circuit[0]).find(ofModel)?.value, 0)
    } finally {
      await fleet.close()
      await receiver.close()
    }
  })

  it('the newer GenAI names by the standard opt-in, and the older ones no longer', async () => {
    const receiver = await startOtlpReceiver()
    const worker = await start({
      OTEL_EXPORTER_OTLP_ENDPOINT: `${receiver.endpoint}/`,
      OTEL_SEMCONV_STABILITY_OPT_IN: 'http,gen_ai_latest_experimental',
    })
    await client.createSender('incidents').sendMessages({ body: add().id })
    await worker.settled(1)
    await worker.stop()
    await receiver.close()
    for (const name of Object.values(latestGenAiMetrics)) assert.ok(receiver.latest(name).length > 0, name)
    for (const name of Object.values(genAiMetrics)) assert.equal(receiver.latest(name).length, 0, name)
  })

  it('to Application Insights: requests, dependencies and metrics arrive at its ingestion endpoint', async () => {
    const envelopes: {
      name: string
      data: { baseType: string; baseData: { name?: string; metrics?: { name: string }[] } }
    }[] = []
    const server = createServer(stack.certificate, (request, response) => {
      const chunks: Buffer[] = []
      request.on('data', (chunk: Buffer) => chunks.push(chunk))
      request.on('end', () => {
        const raw = Buffer.concat(chunks)
        const text = (request.headers['content-encoding'] === 'gzip' ? gunzipSync(raw) : raw).toString()
        const all = (
          text.trimStart().startsWith('[')
            ? JSON.parse(text)
            : text
                .trim()
                .split('\n')
                .map((line) => JSON.parse(line))
        ) as typeof envelopes
        envelopes.push(...all)
        response.writeHead(200, { 'content-type': 'application/json' })
        response.end(JSON.stringify({ itemsReceived: all.length, itemsAccepted: all.length, errors: [] }))
      })
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', () => resolve()))
    const endpoint = `https://127.0.0.1:${(server.address() as AddressInfo).port}/`
    const worker = await start({
      APPLICATIONINSIGHTS_CONNECTION_STRING: `InstrumentationKey=00000000-0000-4000-8000-000000000000;IngestionEndpoint=${endpoint};LiveEndpoint=${endpoint}`,
    })
    await client.createSender('incidents').sendMessages({ body: add().id })
    await worker.settled(1)
    assert.equal(await worker.stop(), 0, worker.stderr)
    server.close()
    const named = (type: string) =>
      envelopes.filter(({ data }) => data.baseType === type).map(({ data }) => data.baseData)
    assert.ok(named('RequestData').some((one) => one.name === 'process incidents'))
    assert.ok(named('RemoteDependencyData').some((one) => one.name === 'chat gpt-4.1-mini'))
    assert.ok(named('MetricData').some((one) => one.metrics?.some((metric) => metric.name === metricNames.settled[0])))
    assert.ok(!JSON.stringify(envelopes).includes(secretTitle))
  })

  it('a collector that is away costs nothing but its telemetry', async () => {
    const worker = await start({ OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:9' })
    await client.createSender('incidents').sendMessages({ body: add().id })
    await worker.settled(1)
    assert.equal(await worker.stop(), 0, worker.stderr)
    assert.equal(worker.stderr, '')
  })

  it('nothing of it is loaded when nobody listens', async () => {
    const tell = `import { registerHooks } from 'node:module'; import { writeSync } from 'node:fs'; registerHooks({ load: (url, context, next) => { writeSync(2, 'LOADED ' + url + '\\n'); return next(url, context) } })`
    const hook = { NODE_OPTIONS: `--import data:text/javascript,${encodeURIComponent(tell)}` }
    const quiet = await start(hook)
    await quiet.stop()
    assert.match(quiet.stderr, /LOADED \S+enricher\.js/, 'the hook sees what is loaded')
    assert.doesNotMatch(quiet.stderr, /telemetry/)
    const loud = await start({ ...hook, OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:9' })
    await loud.stop()
    assert.match(loud.stderr, /LOADED \S+telemetry\.js/)
  })
})
