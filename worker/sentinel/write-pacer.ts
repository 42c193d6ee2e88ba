import type { Clock } from '../../shared/clock.ts'

/**
 * Spaces writes per subscription, because ARM counts them there (200 at once, then 10 a second, per identity): a reservation
 * is a start time (GCRA with a burst of one second's worth), so nobody polls, and a 429's Retry-After moves everybody.
 */
export class WritePacer {
  readonly #clock: Clock
  readonly #intervalMs: number
  readonly #nextAt = new Map<string, number>()

  constructor(writesPerSecond: number, clock: Clock) {
    this.#clock = clock
    this.#intervalMs = 1000 / writesPerSecond
  }

  /** Resolves when a write to the subscription may be sent. */
  async turn(subscriptionId: string, signal: AbortSignal): Promise<void> {
    const now = this.#clock.now()
    const key = subscriptionId.toLowerCase()
    const start = Math.max(this.#nextAt.get(key) ?? 0, now - 1000)
    this.#nextAt.set(key, start + this.#intervalMs)
    if (start > now) await this.#clock.sleep(start - now, signal)
  }

  /** ARM refused a write: nobody writes to this subscription before `delayMs` is over. */
  block(subscriptionId: string, delayMs: number): void {
    const key = subscriptionId.toLowerCase()
    this.#nextAt.set(key, Math.max(this.#nextAt.get(key) ?? 0, this.#clock.now() + delayMs))
  }
}
