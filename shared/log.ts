import { type DestinationStream, type Logger, pino } from 'pino'
import { Failure } from './failure.ts'

/** The contract's log events; each goes into a line's `event` field. */
export type LogEvent =
  | 'worker.started'
  | 'worker.draining'
  | 'worker.stopped'
  | 'incident.enriched'
  | 'incident.skipped'
  | 'incident.deferred'
  | 'incident.released'
  | 'incident.dead-lettered'
  | 'circuit.opened'
  | 'circuit.closed'
  | 'lease.lost'
  | 'budget.exhausted'

export type Log = Logger

export const logLevels = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const
export type LogLevel = (typeof logLevels)[number]

/** JSON lines to stdout, or to `destination`; ISO times; an `err` as `describeError` gives it. */
export function createLog(level: LogLevel, destination?: DestinationStream): Log {
  const options = {
    level,
    base: { service: 'incident-enricher' },
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) },
    serializers: { err: describeError },
  }
  return destination ? pino(options, destination) : pino(options)
}

export interface ErrorDescription {
  type: string
  code?: string
  /** Only a Failure's sentence: the message of any other error may quote an answer, a header or a key. */
  message?: string
  /** The frames alone, without the message that V8 puts in front. */
  stack?: string
  cause?: ErrorDescription
}

/** What a log line may say of an error: never its own properties (an SDK's error carries its request), nor a foreign message. */
export function describeError(error: unknown, depth = 0): ErrorDescription {
  if (!(error instanceof Error)) return { type: typeof error }
  const code = (error as { code?: unknown }).code
  const frames = error.stack?.split('\n').filter((line) => /^\s+at /.test(line))
  return {
    type: error.name === 'Error' ? error.constructor.name : error.name,
    ...(typeof code === 'string' || typeof code === 'number' ? { code: String(code).slice(0, 64) } : {}),
    ...(error instanceof Failure ? { message: error.message } : {}),
    ...(frames?.length && !(error instanceof Failure) ? { stack: frames.slice(0, 12).join('\n') } : {}),
    ...(error.cause !== undefined && depth < 4 ? { cause: describeError(error.cause, depth + 1) } : {}),
  }
}
