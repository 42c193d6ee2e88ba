import type { Meter } from '@opentelemetry/api'
import type { ModelCall, SettledMessage, Telemetry, TelemetrySources } from './telemetry.ts'
import { genAiMetrics, latestGenAiMetrics, metricNames, attributeNames as names } from './telemetry-names.ts'

const seconds = [0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92]
const longSeconds = [0.1, 0.5, 1, 2, 5, 10, 30, 60, 120, 300, 600, 1_800, 3_600, 14_400]
/** Boundaries that the conventions ask for. */
const tokenCounts = Array.from({ length: 14 }, (_, power) => 4 ** power)
const circuitValue = { closed: 0, 'half-open': 1, open: 2 } as const
const outcomes = ['enriched', 'skipped', 'deferred', 'released', 'dead-lettered']

type Instruments = Pick<Telemetry, 'settled' | 'modelCalled' | 'reservationWaited' | 'observe'>

/** Makes every metric, and the functions that feed them. */
export function createInstruments(meter: Meter, latestGenAi: boolean): Instruments {
  const histogram = ([name, unit, description]: readonly [string, string, string], boundaries: number[]) =>
    meter.createHistogram(name, { unit, description, advice: { explicitBucketBoundaries: boundaries } })
  const counter = ([name, unit, description]: readonly [string, string, string]) =>
    meter.createCounter(name, { unit, description })

  const deadLetters = counter(metricNames.deadLetters)
  const queueTime = histogram(metricNames.queueTime, longSeconds)
  const duration = histogram(metricNames.duration, longSeconds)
  const timeToEnrichment = histogram(metricNames.timeToEnrichment, longSeconds)
  const attempts = histogram(metricNames.attempts, [0, 1, 2, 3, 5, 8, 13, 21])
  const calls = counter(metricNames.calls)
  const tokens = counter(metricNames.tokens)
  const cost = counter(metricNames.cost)
  const refusals = counter(metricNames.refusals)
  const reservationWait = histogram(metricNames.reservationWait, longSeconds)
  const genAi = latestGenAi ? latestGenAiInstruments(meter) : genAiInstruments(meter)

  return {
    settled(message: SettledMessage) {
      if (message.queuedMs !== undefined) queueTime.record(message.queuedMs / 1000)
      duration.record(message.ms / 1000, { [names.outcome]: message.outcome })
      if (message.outcome === 'enriched' && message.queuedMs !== undefined) {
        timeToEnrichment.record((message.queuedMs + message.ms) / 1000)
      }
      if (message.outcome !== 'deferred' && message.outcome !== 'released') attempts.record(message.attempt)
      if (message.reason) {
        deadLetters.add(1, { [names.reason]: message.reason, [names.dependency]: message.dependency ?? '' })
      }
    },
    modelCalled(call: ModelCall) {
      const model = { [names.requestModel]: call.model, [names.provider]: call.provider }
      calls.add(1, { ...model, ...(call.errorType ? { [names.errorType]: call.errorType } : {}) })
      const forWhom = { ...model, ...(call.workspace ? { [names.workspace]: call.workspace } : {}) }
      tokens.add(call.promptTokens, { ...forWhom, [names.tokenType]: 'input' })
      tokens.add(call.completionTokens, { ...forWhom, [names.tokenType]: 'output' })
      if (call.costUsd !== undefined) cost.add(call.costUsd, forWhom)
      if (call.refusal) refusals.add(1, { ...model, [names.refusal]: call.refusal })
      genAi(call, {
        ...model,
        [names.operation]: 'chat',
        [names.serverAddress]: call.server.host,
        [names.serverPort]: call.server.port,
        ...(call.errorType ? { [names.errorType]: call.errorType } : {}),
      })
    },
    reservationWaited: (ms) => reservationWait.record(ms / 1000),
    observe: (sources) => observe(meter, sources),
  }
}

type RecordCall = (call: ModelCall, attributes: Record<string, string | number>) => void

function genAiInstruments(meter: Meter): RecordCall {
  const advice = { explicitBucketBoundaries: tokenCounts }
  const usage = meter.createHistogram(genAiMetrics.tokens, { unit: '{token}', advice })
  const duration = meter.createHistogram(genAiMetrics.duration, {
    unit: 's',
    advice: { explicitBucketBoundaries: seconds },
  })
  return (call, attributes) => {
    duration.record(call.seconds, attributes)
    if (call.errorType) return
    usage.record(call.promptTokens, { ...attributes, [names.tokenType]: 'input' })
    usage.record(call.completionTokens, { ...attributes, [names.tokenType]: 'output' })
  }
}

function latestGenAiInstruments(meter: Meter): RecordCall {
  const usage = (name: string) => meter.createCounter(name, { unit: '{token}' })
  const advice = { explicitBucketBoundaries: tokenCounts }
  const perOperation = (name: string) => meter.createHistogram(name, { unit: '{token}', advice })
  const [input, output, cached] = [
    usage(latestGenAiMetrics.inputTokens),
    usage(latestGenAiMetrics.outputTokens),
    usage(latestGenAiMetrics.cachedTokens),
  ]
  const [inputs, outputs] = [
    perOperation(latestGenAiMetrics.inputPerOperation),
    perOperation(latestGenAiMetrics.outputPerOperation),
  ]
  const duration = meter.createHistogram(latestGenAiMetrics.duration, {
    unit: 's',
    advice: { explicitBucketBoundaries: seconds },
  })
  return (call, attributes) => {
    duration.record(call.seconds, attributes)
    // A failed call counts as 0 tokens, so that the series exists.
    input.add(call.promptTokens, attributes)
    output.add(call.completionTokens, attributes)
    cached.add(call.cachedTokens, attributes)
    if (call.errorType) return
    inputs.record(call.promptTokens, attributes)
    outputs.record(call.completionTokens, attributes)
  }
}

/** Metrics that somebody counts already: read when they are exported. */
function observe(meter: Meter, sources: TelemetrySources): void {
  const gauge = ([name, unit, description]: readonly [string, string, string]) =>
    meter.createObservableGauge(name, { unit, description })
  const total = ([name, unit, description]: readonly [string, string, string]) =>
    meter.createObservableCounter(name, { unit, description })
  gauge(metricNames.inFlight).addCallback((result) => result.observe(sources.inFlight()))
  gauge(metricNames.circuit).addCallback((result) => {
    for (const { circuit, state } of sources.circuits()) {
      result.observe(circuitValue[state], { [names.circuit]: circuit })
    }
  })
  gauge(metricNames.budgetLeft).addCallback((result) => {
    for (const { scope, workspace, tokens } of sources.budgetLeft?.() ?? []) {
      result.observe(tokens, { [names.scope]: scope, ...(workspace ? { [names.workspace]: workspace } : {}) })
    }
  })
  total(metricNames.settled).addCallback((result) => {
    const counters = sources.counters()
    for (const outcome of outcomes) result.observe(counters[outcome] ?? 0, { [names.outcome]: outcome })
  })
  total(metricNames.leaseRenewals).addCallback((result) => result.observe(sources.counters().leasesRenewed ?? 0))
  total(metricNames.leaseLosses).addCallback((result) => result.observe(sources.counters().leasesLost ?? 0))
}
