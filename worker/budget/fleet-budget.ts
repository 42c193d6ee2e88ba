import type { Clock } from '../../shared/clock.ts'
import { Failure } from '../../shared/failure.ts'
import {
  type BudgetCode,
  type BudgetLeft,
  type Grant,
  type LedgerAsk,
  type LedgerLimits,
  type LedgerState,
  learnLimit,
  leftOf,
  refuse,
  reserve,
  settle,
} from './ledger-state.ts'
import type { LedgerStore } from './ledger-store.ts'

/** A call that may be made now. */
export interface FleetReservation {
  /** Says what the provider charged: all that was reserved where nobody knows, 0 where it was refused. */
  settle(usedTokens: number): void
}

/** The budgets that the whole fleet shares. */
export interface FleetBudget {
  /**
   * Waits for the call's turn.
   * @throws Failure `budget-spent` when it would have to wait longer than a slot is patient, or a day's tokens are spent;
   *   `outage` when the ledger cannot be reached: nothing is spent on a guess
   */
  reserve(ask: LedgerAsk, signal: AbortSignal): Promise<FleetReservation>
  /** The provider answered 429; `slowDown`: because the traffic grew too fast. */
  refused(model: string, retryAfterMs: number, slowDown?: boolean): void
  /** The provider's headers say how many tokens per minute it grants. */
  learned(model: string, tokensPerMinute: number): void
  /** What is left today, as this process last saw it. */
  left(): BudgetLeft[]
  /** Writes what is not settled yet. */
  close(): Promise<void>
}

export interface FleetBudgetEvents {
  /** How long a call waited for its turn, in milliseconds. */
  waited?(ms: number): void
  /** No message that is taken within `ms` could get its tokens: the fleet's day is spent, or its next minute reserved. */
  spent?(ms: number): void
}

/** A worker without any shared budget. */
export const unlimitedBudget: FleetBudget = {
  reserve: async () => ({ settle: () => undefined }),
  refused: () => undefined,
  learned: () => undefined,
  left: () => [],
  close: async () => undefined,
}

/** Longest wait inside a slot; beyond, the message comes back later. Turns that a worker waits for are lost with it. */
const patienceMs = 20_000
/**
 * Where a wait was too long, nothing is taken until the turns before it are down to this: the whole backlog would be claimed,
 * loaded and put back otherwise.
 */
const takeAgainMs = 10_000
/** A conflict means that another replica was served; this many in a row are a row under too much load. */
const maxConflicts = 12
const settleEveryMs = 5_000

type Change = (state: LedgerState, now: number) => void

interface Waiter {
  ask: LedgerAsk
  resolve(grant: Grant): void
  reject(error: unknown): void
}

/**
 * Reserves before, settles after, in one row that the fleet shares. A reservation answers with a start time, so nobody polls;
 * the waiters of one process are served together by one write (group commit), and one write is under way at a time.
 */
export class LedgerBudget implements FleetBudget {
  readonly #store: LedgerStore
  readonly #limits: LedgerLimits
  readonly #clock: Clock
  readonly #events: FleetBudgetEvents
  readonly #closing = new AbortController()
  readonly #settleTimer: NodeJS.Timeout
  #waiters: Waiter[] = []
  #changes: Change[] = []
  #committing: Promise<void> | undefined
  #known: { state: LedgerState; version: string } | undefined

  constructor(store: LedgerStore, limits: LedgerLimits, clock: Clock, events: FleetBudgetEvents = {}) {
    this.#store = store
    this.#limits = limits
    this.#clock = clock
    this.#events = events
    this.#settleTimer = setInterval(() => {
      if (this.#changes.length > 0) void this.#commit().catch(() => undefined)
    }, settleEveryMs)
    this.#settleTimer.unref()
  }

  async reserve(ask: LedgerAsk, signal: AbortSignal): Promise<FleetReservation> {
    signal.throwIfAborted()
    const askedAt = this.#clock.now()
    const grant = await new Promise<Grant>((resolve, reject) => {
      this.#waiters.push({ ask, resolve, reject })
      void this.#commit().catch(() => undefined)
    })
    if ('refused' in grant) {
      if (grant.refused === 'TokensPerDay') this.#events.spent?.(grant.retryAfterMs)
      if (grant.refused.endsWith('PerMinute')) this.#events.spent?.(grant.retryAfterMs - takeAgainMs)
      throw budgetSpent(grant.refused, grant.retryAfterMs)
    }
    const reservation = once((usedTokens) => {
      this.#changes.push((state) => settle(state, ask, grant.day, usedTokens))
    })
    try {
      const waitMs = grant.startAt - this.#clock.now()
      if (waitMs > 0) await this.#clock.sleep(waitMs, signal)
    } catch (error) {
      // The turn is lost, but nothing was charged.
      reservation.settle(0)
      throw signal.aborted ? signal.reason : error
    }
    this.#events.waited?.(this.#clock.now() - askedAt)
    return reservation
  }

  refused(model: string, retryAfterMs: number, slowDown = false): void {
    // Counted from now: the write may have to wait its turn.
    const heardAt = this.#clock.now()
    this.#changes.push((state) => refuse(state, model, retryAfterMs, heardAt, slowDown))
    void this.#commit().catch(() => undefined)
  }

  learned(model: string, tokensPerMinute: number): void {
    const { tokensPerMinute: configured } = this.#limits
    if (configured === undefined || !(tokensPerMinute > 0) || tokensPerMinute >= configured) return
    this.#changes.push((state, now) => learnLimit(state, model, tokensPerMinute, now))
  }

  left(): BudgetLeft[] {
    return this.#known ? leftOf(this.#known.state, this.#limits, this.#clock.now()) : []
  }

  async close(): Promise<void> {
    clearInterval(this.#settleTimer)
    if (this.#changes.length > 0) await this.#commit().catch(() => undefined)
    this.#closing.abort()
  }

  /** Serves everybody who waits; whoever comes meanwhile is served by the next write. */
  #commit(): Promise<void> {
    this.#committing ??= this.#serve().finally(() => {
      this.#committing = undefined
      if (this.#waiters.length > 0) void this.#commit().catch(() => undefined)
    })
    return this.#committing
  }

  async #serve(): Promise<void> {
    // Calls that begin in this turn of the event loop share the write.
    await new Promise((resolve) => setImmediate(resolve))
    const waiters = this.#waiters.splice(0)
    const changes = this.#changes.splice(0)
    try {
      const grants = await this.#write(waiters, changes)
      waiters.forEach((waiter, index) => {
        const grant = grants[index]
        if (grant) waiter.resolve(grant)
      })
    } catch (error) {
      this.#known = undefined
      // Kept for the next write: what was spent must not be forgotten.
      this.#changes.unshift(...changes)
      for (const waiter of waiters) waiter.reject(error)
      throw error
    }
  }

  async #write(waiters: readonly Waiter[], changes: readonly Change[]): Promise<Grant[]> {
    const { signal } = this.#closing
    for (let conflicts = 0; conflicts < maxConflicts; ) {
      const remembered = this.#known !== undefined
      this.#known ??= await this.#store.load(signal)
      const state = structuredClone(this.#known.state)
      const now = this.#clock.now()
      for (const change of changes) change(state, now)
      const grants = waiters.map(({ ask }) => reserve(state, ask, this.#limits, now, patienceMs))
      if (remembered && grants.some((grant) => 'refused' in grant)) {
        // Others may have settled less than they reserved since this was read.
        this.#known = undefined
        continue
      }
      if (changes.length === 0 && grants.every((grant) => 'refused' in grant)) return grants
      const version = await this.#store.save(state, this.#known.version, signal)
      if (version !== undefined) {
        this.#known = { state, version }
        return grants
      }
      this.#known = undefined
      await this.#clock.sleep(Math.random() * Math.min(100, 8 * 2 ** conflicts), signal)
      conflicts++
    }
    throw new Failure(
      'The budgets were written by so many replicas at once that this one had no turn; it tries later.',
      {
        kind: 'throttled',
        dependency: 'budget',
        code: 'LedgerBusy',
        retryAfterMs: 2_000,
      },
    )
  }
}

function once(settleWith: (usedTokens: number) => void): FleetReservation {
  let open = true
  return {
    settle: (usedTokens) => {
      if (!open) return
      open = false
      settleWith(usedTokens)
    },
  }
}

const variables: Record<Exclude<BudgetCode, 'ModelRefuses'>, string> = {
  TokensPerMinute: 'TOKENS_PER_MINUTE',
  RequestsPerMinute: 'REQUESTS_PER_MINUTE',
  TokensPerDay: 'TOKENS_PER_DAY',
  TokensPerDayPerWorkspace: 'TOKENS_PER_DAY_PER_WORKSPACE',
}

function budgetSpent(code: BudgetCode, retryAfterMs: number): Failure {
  if (code === 'ModelRefuses') {
    return new Failure('The model asked the whole fleet to wait; the message comes back when that is over.', {
      kind: 'throttled',
      dependency: 'budget',
      code,
      retryAfterMs,
    })
  }
  const day = code.startsWith('TokensPerDay')
  return new Failure(
    day
      ? `${variables[code]} is spent; the message waits for the next UTC day. Raise the variable to go on today.`
      : `${variables[code]} is reserved for longer than a slot waits; the message comes back later.`,
    { kind: 'budget-spent', dependency: 'budget', code, retryAfterMs },
  )
}
