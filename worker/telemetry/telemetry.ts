import type { Dependency } from '../../shared/failure.ts'
import type { BudgetLeft } from '../budget/ledger-state.ts'
import type { CircuitState } from '../recovery/circuits.ts'

export type Attributes = Record<string, string | number | boolean | string[] | undefined>

export interface SpanHandle {
  set(attributes: Attributes): void
}

export interface SpanOptions {
  kind?: 'internal' | 'client' | 'consumer'
  /** W3C trace context of whoever sent the work. */
  traceparent?: string | undefined
  /** Attributes that the spans inside have too. */
  inherit?: Attributes
}

/** A message that left the worker's hands. */
export interface SettledMessage {
  outcome: string
  reason?: string | undefined
  dependency?: Dependency | undefined
  /** Milliseconds since the message's arrival. */
  ms: number
  /** Milliseconds that it was in the queue before, where the broker says. */
  queuedMs: number | undefined
  attempt: number
}

/** A call of the model, answered or not. */
export interface ModelCall {
  provider: string
  model: string
  /** ARM id, in lower case; undefined for a call that is for none. */
  workspace: string | undefined
  server: { host: string; port: number }
  seconds: number
  promptTokens: number
  completionTokens: number
  cachedTokens: number
  costUsd: number | undefined
  /** A failure's code; undefined when it was answered. */
  errorType: string | undefined
  refusal: string | undefined
}

/** Where observed metrics are read when they are exported. */
export interface TelemetrySources {
  inFlight(): number
  counters(): Record<string, number>
  circuits(): { circuit: string; state: CircuitState }[]
  /** What is left of each shared budget, in tokens. */
  budgetLeft?(): BudgetLeft[]
}

/**
 * What the worker tells about itself while it works: content-free, and free of charge when nobody listens. No attribute holds
 * text of an incident, a prompt or an answer.
 */
export interface Telemetry {
  /** Runs work in a span, a child of the one that it is called in; a failure ends it with its code, never its text. */
  span<T>(
    name: string,
    attributes: Attributes,
    work: (span: SpanHandle) => Promise<T>,
    options?: SpanOptions,
  ): Promise<T>
  /** The trace context of the span at hand, for a message that carries the work on. */
  traceparent(): string | undefined
  settled(message: SettledMessage): void
  modelCalled(call: ModelCall): void
  /** A call waited for its share of a fleet-wide budget. */
  reservationWaited(ms: number): void
  observe(sources: TelemetrySources): void
  /** Sends what was not sent yet. */
  shutdown(): Promise<void>
}

const silent: SpanHandle = { set: () => undefined }

/** Nobody listens. */
export const noTelemetry: Telemetry = {
  span: (_name, _attributes, work) => work(silent),
  traceparent: () => undefined,
  settled: () => undefined,
  modelCalled: () => undefined,
  reservationWaited: () => undefined,
  observe: () => undefined,
  shutdown: async () => undefined,
}
