import pRetry from 'p-retry'
import type { Clock } from '../../shared/clock.ts'
import { asFailure, type Dependency, Failure } from '../../shared/failure.ts'
import type { CircuitName, Circuits } from './circuits.ts'
import { decideRecovery, type RecoverySettings } from './policy.ts'

export interface Call {
  circuit: CircuitName
  dependency: Dependency
  signal: AbortSignal
}

/** Runs one call to a dependency, with the policy's immediate retries and the circuit's bookkeeping. */
export type CallDependency = <T>(call: Call, operation: (retry: number) => Promise<T>) => Promise<T>

const elsewhere: ReadonlySet<Dependency> = new Set(['state', 'budget'])
const freshHistory = { attempt: 0, copies: 0, workedForOthers: false, intakeStopped: false }

/** Which circuit a failed call belongs to and when it first failed: tells a message's own trouble from an outage. */
const origins = new WeakMap<Failure, { circuit: CircuitName; since: number }>()

export function createCallDependency(parts: {
  circuits: Circuits
  clock: Clock
  settings: RecoverySettings
  random?: () => number
}): CallDependency {
  const { circuits, clock, settings, random = Math.random } = parts
  return async (call, operation) => {
    let since: number | undefined
    let retries = 0
    // p-retry decides nothing by itself: minTimeout 0, and the policy's delay is slept inside shouldRetry, the one place
    // that runs only when another try can follow (its onFailedAttempt also runs after the last).
    return await pRetry(
      async () => {
        call.signal.throwIfAborted()
        circuits.assertNotOpen(call.circuit, call.dependency)
        const startedAt = clock.now()
        try {
          const result = await operation(retries)
          circuits.success(call.circuit, startedAt)
          return result
        } catch (error) {
          const failure = call.signal.aborted ? asFailure(call.signal.reason) : asFailure(error)
          since ??= clock.now()
          // A ledger that cannot be reached inside a model's call has its own circuit, and says nothing about the model.
          if (failure.dependency !== call.dependency && elsewhere.has(failure.dependency)) throw failure
          origins.set(failure, { circuit: call.circuit, since })
          circuits.failure(call.circuit, failure)
          if (failure.kind !== 'outage' && failure.kind !== 'interrupted' && failure.kind !== 'unexpected') {
            circuits.success(call.circuit, startedAt)
          }
          throw failure
        }
      },
      {
        retries: 10,
        minTimeout: 0,
        maxTimeout: 0,
        shouldRetry: async ({ error }) => {
          if (!(error instanceof Failure)) return false
          const history = { ...freshHistory, immediateRetries: retries }
          const decision = decideRecovery(error, history, settings, random())
          if (decision.do !== 'retry-now') return false
          retries++
          await clock.sleep(decision.delayMs, call.signal)
          return true
        },
      },
    )
  }
}

/** Whether the failure's dependency answered another call that began after this call's first failure. */
export function workedForOthers(failure: Failure, circuits: Circuits): boolean {
  const origin = origins.get(failure)
  return origin !== undefined && circuits.lastSuccessAt(origin.circuit) > origin.since
}
