/** Share of a difference that each answer below the estimate takes back. */
const decay = 0.02
/** A server whose count is further off counts something else. */
const maxFactor = 2

/**
 * How much more the provider counts than we do, of one model and playbook, learnt from `usage`. It follows an excess at once
 * and forgets it slowly: an estimate that is too high costs a little quota, one that is too low breaks a ceiling.
 */
export class Calibration {
  #factor = 1

  /** What an estimate is to be multiplied by; 1 or more. */
  get factor(): number {
    return this.#factor
  }

  /** @param counted our count of a prompt, above 0 @param actual the provider's */
  learn(counted: number, actual: number): void {
    const ratio = Math.min(maxFactor, Math.max(1, actual / counted))
    this.#factor = ratio > this.#factor ? ratio : this.#factor + (ratio - this.#factor) * decay
  }
}
