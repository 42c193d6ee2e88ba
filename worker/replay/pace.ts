import type { Clock } from '../../shared/clock.ts'

/** The ramp's steps: how many go before the next step. After the last, nothing but the rate holds them back. */
export const rampSteps = [1, 2, 5, 10, 20, 50, 100, 200, 500] as const

/** With a rate, ten portions a second: a second's worth at once would be a burst. */
const portionsPerSecond = 10

export interface PaceOptions {
  /** At most this many per second; undefined is as fast as the queue takes them. */
  ratePerSecond: number | undefined
  /** How long each step of the ramp lasts, in milliseconds; 0 is no ramp. */
  stepMs: number
  /** At most this many at once. */
  portion: number
}

/**
 * Says how many may go now. The ramp begins with one, two, five, ten, so that a backlog does not become the next outage and
 * what is wrong with all of them shows at the first; the rate is kept by start times (GCRA), so nobody polls.
 */
export class Pace {
  readonly #options: PaceOptions
  readonly #clock: Clock
  #step: number
  #stepEndsAt: number
  #leftInStep = 0
  #nextAt = 0

  constructor(options: PaceOptions, clock: Clock) {
    this.#options = options
    this.#clock = clock
    this.#step = options.stepMs > 0 ? -1 : rampSteps.length
    this.#stepEndsAt = clock.now()
  }

  /** Resolves with how many of at most `wanted` may go now; rejects when the signal aborts. */
  async next(wanted: number, signal: AbortSignal): Promise<number> {
    const { ratePerSecond, portion } = this.#options
    let allowed = Math.min(wanted, portion, await this.#ramp(signal))
    if (ratePerSecond !== undefined) {
      allowed = Math.min(allowed, Math.max(1, Math.floor(ratePerSecond / portionsPerSecond)))
      const waitMs = this.#nextAt - this.#clock.now()
      if (waitMs > 0) await this.#clock.sleep(waitMs, signal)
      this.#nextAt = Math.max(this.#nextAt, this.#clock.now()) + (allowed * 1000) / ratePerSecond
    }
    this.#leftInStep -= allowed
    return allowed
  }

  /** How many the present step has left; waits for the next one where it has none. */
  async #ramp(signal: AbortSignal): Promise<number> {
    if (this.#step >= rampSteps.length) return Number.POSITIVE_INFINITY
    if (this.#leftInStep <= 0) {
      const waitMs = this.#stepEndsAt - this.#clock.now()
      if (waitMs > 0) await this.#clock.sleep(waitMs, signal)
      this.#leftInStep = rampSteps[++this.#step] ?? Number.POSITIVE_INFINITY
      this.#stepEndsAt = this.#clock.now() + this.#options.stepMs
    }
    return this.#leftInStep
  }
}
