import type { Sender } from 'rhea'

/** The state of the fault switches that the broker's parts look at. */
export class FaultState {
  refuseUntilMs = 0
  busyUntilMs = 0
  dispositions: { delayMs: number; delayed: 'effect' | 'answer' } = { delayMs: 0, delayed: 'effect' }
  failingRenewals = 0
  renewalCondition = 'com.microsoft:server-busy'
  failingTokens = 0
  /** Links whose credit is not seen any more. */
  starved = new WeakSet<Sender>()

  get refusing(): boolean {
    return this.refuseUntilMs > Date.now()
  }

  get busy(): boolean {
    return this.busyUntilMs > Date.now()
  }

  /** @returns the condition with which to refuse this renewal */
  takeRenewalFailure(): string | undefined {
    if (this.failingRenewals <= 0) return undefined
    this.failingRenewals--
    return this.renewalCondition
  }

  takeTokenFailure(): boolean {
    if (this.failingTokens <= 0) return false
    this.failingTokens--
    return true
  }

  clear(): void {
    this.refuseUntilMs = 0
    this.busyUntilMs = 0
    this.dispositions = { delayMs: 0, delayed: 'effect' }
    this.failingRenewals = 0
    this.failingTokens = 0
    this.starved = new WeakSet()
  }
}
