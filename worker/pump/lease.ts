import { isServiceBusError, type ServiceBusReceivedMessage } from '@azure/service-bus'
import type { Clock } from '../../shared/clock.ts'
import { Failure } from '../../shared/failure.ts'

/** Renews the lock of a message; resolves with the time until which it is locked now. */
export type RenewLock = (message: ServiceBusReceivedMessage) => Promise<Date>

export interface LeaseEvents {
  renewed?(): void
  lost?(code: string): void
}

/** Renewal starts when this share of the lock is left, so that a failed one can be tried again several times. */
const renewWhenLeft = 0.5
const firstRetryMs = 250
const maxRetryMs = 2_000
/** A reason that is there already: without one each stop would make an exception with its stack. */
const stopped = new Error('the lease is over')
/** A lock shorter or longer than Service Bus allows is a clock that is wrong. */
const shortestLockMs = 1_000
const longestLockMs = 300_000

/**
 * A message's lock, kept by us: the SDK's renewer is keyed by message id, stops after one failed renewal and when the link
 * is detached. The signal aborts when the lock is lost, so that a run stops at its next step. Loss is what the broker says,
 * or a whole lock time without a successful renewal by the monotonic clock: local wall clocks are not trusted.
 */
export class Lease {
  readonly #abort = new AbortController()
  readonly #stop = new AbortController()
  readonly #events: LeaseEvents
  #heldSince = performance.now()
  #lockMs = longestLockMs

  constructor(message: ServiceBusReceivedMessage, renew: RenewLock, clock: Clock, events: LeaseEvents = {}) {
    this.#events = events
    void this.#keep(message, renew, clock)
  }

  /** Aborted, with a Failure `interrupted`, when the lock is lost. */
  get lost(): AbortSignal {
    return this.#abort.signal
  }

  /**
   * To be called before a write. A process that was frozen (a paused machine, a long collection) may have outlived its lock
   * without any timer having run: time itself says so here.
   *
   * @throws the Failure `interrupted` of the lost lock
   */
  assertHeld(): void {
    if (!this.lost.aborted && performance.now() - this.#heldSince >= this.#lockMs) this.lose('Expired')
    this.lost.throwIfAborted()
  }

  /** Ends the renewal; the lock itself ends with the settlement. */
  stop(): void {
    this.#stop.abort(stopped)
  }

  async #keep(message: ServiceBusReceivedMessage, renew: RenewLock, clock: Clock): Promise<void> {
    const told = (message.lockedUntilUtc?.getTime() ?? 0) - clock.now()
    this.#lockMs = Math.min(Math.max(told, shortestLockMs), longestLockMs)
    let waitMs = this.#lockMs * renewWhenLeft
    let retryMs = firstRetryMs
    try {
      while (!this.lost.aborted) {
        await clock.sleep(waitMs, this.#stop.signal)
        const asked = performance.now()
        try {
          const until = await renew(message)
          this.#heldSince = asked
          this.#lockMs = Math.min(Math.max(until.getTime() - clock.now(), shortestLockMs), longestLockMs)
          retryMs = firstRetryMs
          waitMs = this.#lockMs * renewWhenLeft
          this.#events.renewed?.()
        } catch (error) {
          if (this.#stop.signal.aborted) return
          const leftMs = this.#heldSince + this.#lockMs - performance.now()
          const code = lockLostCode(error)
          if (code !== undefined || leftMs <= 0) this.lose(code ?? 'RenewalFailed')
          waitMs = Math.min(retryMs, Math.max(50, leftMs))
          retryMs = Math.min(retryMs * 2, maxRetryMs)
        }
      }
    } catch {
      // The sleep was stopped.
    }
  }

  /** The lock is known to be lost, from the broker's answer or because it gave the message out again. */
  lose(code: string): void {
    if (this.lost.aborted) return
    this.#events.lost?.(code)
    this.#abort.abort(
      new Failure("The message's lock was lost; the broker gives the message to somebody again.", {
        kind: 'interrupted',
        dependency: 'queue',
        code,
      }),
    )
  }
}

/** The SDK wraps the last errors of its retries in an AggregateError without a code of its own. */
function lockLostCode(error: unknown): string | undefined {
  const errors = error instanceof AggregateError ? error.errors : [error]
  const lost = errors.find(
    (one) => isServiceBusError(one) && (one.code === 'MessageLockLost' || one.code === 'MessageNotFound'),
  )
  return lost === undefined ? undefined : String((lost as { code: unknown }).code)
}
