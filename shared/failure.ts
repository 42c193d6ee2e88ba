/**
 * Everything that can go wrong with a message, as a small closed set. A client classifies what it met into one of these
 * where it met it; the recovery policy decides on the kind alone.
 */

/** The contract's dead-letter reasons: a closed set. */
export const deadLetterReasons = [
  'InvalidMessage',
  'WorkspaceNotAllowed',
  'IncidentNotFound',
  'AccessDenied',
  'ContentFiltered',
  'TokenBudgetExceeded',
  'AttemptsExhausted',
] as const
export type DeadLetterReason = (typeof deadLetterReasons)[number]

/** What a failure came from; goes to the dead letter as `enricher-dependency`. */
export type Dependency =
  | 'message'
  | 'model'
  | 'sentinel'
  | 'identity'
  | 'state'
  | 'queue'
  | 'budget'
  | 'playbook'
  | 'worker'

export type FailureKind =
  /** The same message can never succeed: `reason` says as what it is dead-lettered. */
  | 'hopeless'
  /** ARM refuses this workspace: retried on the ladder, ends as AccessDenied, stops nobody else. */
  | 'access-denied'
  /** The dependency fails for everybody, or seems to: no attempt is used up, its circuit counts it. */
  | 'outage'
  /** The dependency answered, and asks to come back later. */
  | 'throttled'
  /** Another replica is working on the same incident. */
  | 'busy'
  /** A budget that the fleet shares is spent until `retryAfterMs` from now. */
  | 'budget-spent'
  /** Shutdown or a lost lease: not a failure of the message. */
  | 'interrupted'
  /** Anything else: counts as an attempt. */
  | 'unexpected'

export interface FailureDetails {
  kind: FailureKind
  dependency: Dependency
  /** Short and machine-readable: an HTTP status, a provider's code, an errno. Never text from an incident or an answer. */
  code: string
  /** Required for `hopeless`. */
  reason?: DeadLetterReason
  /** How long the other side asked to wait, in milliseconds. */
  retryAfterMs?: number
  /** Whether trying again at once, inside the process, can help. */
  retryNow?: boolean
  /** The call's answer was lost after the provider took the request: it may have been paid. */
  maybeCharged?: boolean
  /** The failure by itself proves that every call will fail (a wrong key, no credit): its circuit opens at once. */
  opensCircuit?: boolean
  cause?: unknown
}

/** The message is one plain sentence, or two: what failed, and what to do. It holds no secret and no incident text. */
export class Failure extends Error {
  readonly kind: FailureKind
  readonly dependency: Dependency
  readonly code: string
  readonly reason: DeadLetterReason | undefined
  readonly retryAfterMs: number | undefined
  readonly retryNow: boolean
  readonly maybeCharged: boolean
  readonly opensCircuit: boolean

  constructor(message: string, details: FailureDetails) {
    super(message, { cause: details.cause })
    this.name = 'Failure'
    this.kind = details.kind
    this.dependency = details.dependency
    this.code = details.code.slice(0, 64)
    this.reason = details.reason
    this.retryAfterMs = details.retryAfterMs
    this.retryNow = details.retryNow ?? false
    this.maybeCharged = details.maybeCharged ?? false
    this.opensCircuit = details.opensCircuit ?? false
  }
}

/** A message that can never succeed. */
export function hopeless(reason: DeadLetterReason, dependency: Dependency, code: string, message: string): Failure {
  return new Failure(message, { kind: 'hopeless', reason, dependency, code })
}

/** Wraps whatever was thrown; a Failure stays what it is. Only the error's class is told, its text may quote data. */
export function asFailure(error: unknown): Failure {
  if (error instanceof Failure) return error
  const name = error instanceof Error ? error.name : typeof error
  return new Failure(`The worker met an unexpected ${name}; its log has the stack. Please report it.`, {
    kind: 'unexpected',
    dependency: 'worker',
    code: name,
    cause: error,
  })
}
