import type { DeadLetterReason, Failure } from '../../shared/failure.ts'

/**
 * What to do after a failure. One pure function decides it for every failure in the worker; the README's table
 * "What happens when something fails" is this function, row by row, and so is its test.
 */
export type Recovery =
  /** Try again inside the process, the message stays locked. */
  | { do: 'retry-now'; delayMs: number }
  /** A scheduled copy carries the message on; `attempt` is what its counter says then. */
  | { do: 'defer'; delayMs: number; attempt: number }
  /** Hand the message back as it is: it was interrupted, it did not fail. */
  | { do: 'release' }
  | { do: 'dead-letter'; reason: DeadLetterReason }

export interface FailureHistory {
  /** How often the failing call was tried again in this process. */
  immediateRetries: number
  /** Failed attempts so far, this one not counted: `enricher-attempt`. */
  attempt: number
  /** Delayed copies so far: `enricher-copies`. */
  copies: number
  /** The same dependency answered somebody else while this call kept failing: so it is the message, not an outage. */
  workedForOthers: boolean
  /** A circuit is open and no messages are taken, so a copy that comes back early costs nothing. */
  intakeStopped: boolean
}

export interface RecoverySettings {
  /** Delayed attempts before a message is dead-lettered. */
  maxAttempts: number
  /** First rung of the ladder of delayed attempts, in milliseconds. */
  baseMs: number
  /** Last rung. */
  maxMs: number
}

/** At most this many immediate retries, and none that would have to wait longer than this: the message's lock is held meanwhile. */
export const maxImmediateRetries = 2
/** Where each try may have been paid. */
const maxPaidRetries = 1
export const maxImmediateDelayMs = 30_000
/** A provider's Retry-After is honoured up to here; 86,400 s was seen where an hour was enough. */
const maxRetryAfterMs = 3_600_000
/** The first delay after an outage: seconds, so that work resumes within seconds of its end. */
const firstOutageDelayMs = 2_000

/** @param random a number in [0, 1), the jitter */
export function decideRecovery(
  failure: Failure,
  history: FailureHistory,
  settings: RecoverySettings,
  random: number,
): Recovery {
  const retryNowMs = failure.retryAfterMs ?? 500 * 2 ** history.immediateRetries * (0.5 + random)
  const mostRetries = failure.maybeCharged ? maxPaidRetries : maxImmediateRetries
  if (failure.retryNow && history.immediateRetries < mostRetries && retryNowMs <= maxImmediateDelayMs) {
    return { do: 'retry-now', delayMs: retryNowMs }
  }
  const defer = (delayMs: number, attempt = history.attempt): Recovery => ({
    do: 'defer',
    delayMs: Math.round(delayMs),
    attempt,
  })
  const asked = Math.min(failure.retryAfterMs ?? 0, maxRetryAfterMs)
  switch (failure.kind) {
    case 'hopeless':
      return { do: 'dead-letter', reason: failure.reason ?? 'AttemptsExhausted' }
    case 'interrupted':
      return { do: 'release' }
    case 'busy':
      // The other replica needs seconds; many copies of one incident spread out instead of coming back together.
      return defer(Math.min(60_000, 3_000 * 2 ** Math.min(history.copies, 5)) * (0.5 + random))
    case 'budget-spent':
      // Not capped: a day's budget is back tomorrow. The jitter keeps the whole backlog from coming back at one moment.
      return defer((failure.retryAfterMs ?? settings.baseMs) + random * Math.min(30_000, failure.retryAfterMs ?? 0))
    case 'throttled':
      return defer(Math.max(asked, settings.baseMs) * (1 + 0.2 * random))
    case 'outage':
      if (history.workedForOthers) return nextAttempt(failure, history, settings, random)
      return defer(Math.max(asked, outageDelayMs(history, settings) * (0.5 + random / 2)))
    case 'access-denied':
    case 'unexpected':
      return nextAttempt(failure, history, settings, random)
  }
}

/**
 * While a circuit keeps the intake shut, the circuit's probes set the pace. Where it does not (one subscription of several is
 * out), the copies themselves would be the load: they spread out to sixteen base delays.
 */
function outageDelayMs({ copies, intakeStopped }: FailureHistory, { baseMs, maxMs }: RecoverySettings): number {
  const first = Math.min(baseMs, firstOutageDelayMs)
  return intakeStopped ? first : Math.min(first * 2 ** Math.min(copies, 20), maxMs, baseMs * 16)
}

function nextAttempt(failure: Failure, history: FailureHistory, settings: RecoverySettings, random: number): Recovery {
  if (history.attempt >= settings.maxAttempts) {
    return { do: 'dead-letter', reason: failure.kind === 'access-denied' ? 'AccessDenied' : 'AttemptsExhausted' }
  }
  const rung = Math.min(settings.maxMs, settings.baseMs * 2 ** history.attempt)
  return { do: 'defer', delayMs: Math.round(rung * (0.5 + random / 2)), attempt: history.attempt + 1 }
}
