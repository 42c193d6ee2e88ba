/** What the fleet shares: a row in `EnricherBudgets`, or an object in a process of its own. */
export interface LedgerState {
  /** By model, or Azure deployment. */
  models: Record<string, ModelPace>
  /** UTC date that the counters belong to, such as `2026-11-24`. */
  day: string
  spent: Spend
  /** By workspace; only those of today. */
  workspaces: Record<string, Spend>
}

/** A model's two theoretical arrival times (GCRA): until then the past reservations use the quota up. */
interface ModelPace {
  /** Milliseconds since the epoch, as all times here. */
  tokensAt: number
  requestsAt: number
  /** A 429 asked everybody to wait until then. */
  blockedUntil: number
  /** Share of the limit that is used: 1, less after refusals that nobody here caused. */
  share: number
  shareAt: number
  /** The share grows as slowly as a provider wants that said `slow_down`. */
  slowly: boolean
  /** A limit that the provider's headers named lately, below the configured one. */
  headerLimit: number
  headerUntil: number
}

/** Tokens. Reserved is the worst case of calls under way; a crash leaves it until midnight, on the safe side. */
interface Spend {
  reserved: number
  settled: number
}

export interface LedgerLimits {
  tokensPerMinute: number | undefined
  requestsPerMinute: number | undefined
  tokensPerDay: number | undefined
  tokensPerDayPerWorkspace: number | undefined
}

/** A call to come: prompt and completion's cap, which is what providers charge at admission. */
export interface LedgerAsk {
  model: string
  workspace: string
  tokens: number
}

export type BudgetCode =
  | 'ModelRefuses'
  | 'TokensPerMinute'
  | 'RequestsPerMinute'
  | 'TokensPerDay'
  | 'TokensPerDayPerWorkspace'

/** When the call may be made and the day it was booked on, or that it may not: then nothing was reserved. */
export type Grant = { startAt: number; day: string } | { refused: BudgetCode; retryAfterMs: number }

/** Tokens that may still be spent in this UTC day: of the fleet, or of a workspace (ARM id in lower case). */
export interface BudgetLeft {
  scope: 'day' | 'workspace-day'
  workspace?: string
  tokens: number
}

/**
 * Of the limit, this share is the rate and the rest the burst, so the worst minute is the limit itself: with the whole limit
 * as the rate a provider that counts by the minute refuses 8 % (research/openai.md 1.4).
 */
const rateShare = 0.95
/** Azure looks at requests in slices of up to ten seconds. */
const requestBurstMs = 10_000
const headerHoldsMs = 60_000
const shareStepMs = 5_000
/** 86,400 s was seen where an hour was enough. */
const longestBlockMs = 3_600_000
/** After `slow_down` OpenAI allows half as much again in this time. */
const slowGrowthMs = 15 * 60_000

export function emptyLedger(): LedgerState {
  return { models: {}, day: '', spent: { reserved: 0, settled: 0 }, workspaces: {} }
}

/**
 * Reserves a call in `state`, which it changes only when it grants.
 *
 * @param patienceMs a call that would have to wait longer is refused: its message comes back later instead
 */
export function reserve(
  state: LedgerState,
  ask: LedgerAsk,
  limits: LedgerLimits,
  now: number,
  patienceMs: number,
): Grant {
  turnDay(state, now)
  const untilMidnight = Date.parse(`${state.day}T00:00:00Z`) + 86_400_000 - now
  const workspace = state.workspaces[ask.workspace] ?? { reserved: 0, settled: 0 }
  if (used(state.spent) + ask.tokens > (limits.tokensPerDay ?? Number.POSITIVE_INFINITY)) {
    return { refused: 'TokensPerDay', retryAfterMs: untilMidnight }
  }
  if (used(workspace) + ask.tokens > (limits.tokensPerDayPerWorkspace ?? Number.POSITIVE_INFINITY)) {
    return { refused: 'TokensPerDayPerWorkspace', retryAfterMs: untilMidnight }
  }

  const pace = state.models[ask.model] ?? freshPace(now)
  const tokens = tokenTurn(pace, ask.tokens, limits.tokensPerMinute, now)
  const requests = requestTurn(pace, limits.requestsPerMinute, now)
  const startAt = Math.max(now, tokens.startAt, requests.startAt, pace.blockedUntil)
  if (startAt - now > patienceMs) {
    const paced = requests.startAt > tokens.startAt ? 'RequestsPerMinute' : 'TokensPerMinute'
    const refused = pace.blockedUntil === startAt ? 'ModelRefuses' : paced
    return { refused, retryAfterMs: startAt - now }
  }
  pace.tokensAt = tokens.until
  pace.requestsAt = requests.until
  state.models[ask.model] = pace
  state.spent.reserved += ask.tokens
  if (limits.tokensPerDayPerWorkspace !== undefined) {
    workspace.reserved += ask.tokens
    state.workspaces[ask.workspace] = workspace
  }
  return { startAt, day: state.day }
}

/** The call is over: what it reserved becomes what it used. A reservation of yesterday left with yesterday's counters. */
export function settle(state: LedgerState, ask: LedgerAsk, day: string, usedTokens: number): void {
  if (state.day !== day) return
  for (const spend of [state.spent, state.workspaces[ask.workspace]]) {
    if (!spend) continue
    spend.reserved = Math.max(0, spend.reserved - ask.tokens)
    spend.settled += usedTokens
  }
}

/**
 * The provider refused a call: everybody waits as it asked, and goes a little slower, once for each burst of refusals.
 *
 * @param slowDown it said that the traffic grew too fast: half of it from now on
 */
export function refuse(state: LedgerState, model: string, retryAfterMs: number, now: number, slowDown = false): void {
  const pace = state.models[model] ?? freshPace(now)
  state.models[model] = pace
  pace.blockedUntil = Math.max(pace.blockedUntil, now + Math.min(retryAfterMs, longestBlockMs))
  if (now - pace.shareAt < shareStepMs && pace.share < 1 && (pace.slowly || !slowDown)) return
  const share = shareNow(pace, now)
  pace.slowly = slowDown || (pace.slowly && share < 1)
  pace.share = Math.max(0.2, share * (slowDown ? 0.5 : 0.85))
  pace.shareAt = now
}

/** The provider's headers name a limit: held for a minute where it is below the configured one. */
export function learnLimit(state: LedgerState, model: string, tokensPerMinute: number, now: number): void {
  const pace = state.models[model] ?? freshPace(now)
  state.models[model] = pace
  pace.headerLimit = tokensPerMinute
  pace.headerUntil = now + headerHoldsMs
}

/** What the day's limits leave: all of it where the counters are another day's, and of workspaces those that spent something. */
export function leftOf(state: LedgerState, limits: LedgerLimits, now: number): BudgetLeft[] {
  const { tokensPerDay, tokensPerDayPerWorkspace } = limits
  const current = state.day === dayOf(now)
  const left = (limit: number, spend: Spend) => Math.max(0, limit - (current ? used(spend) : 0))
  return [
    ...(tokensPerDay === undefined ? [] : [{ scope: 'day' as const, tokens: left(tokensPerDay, state.spent) }]),
    ...(tokensPerDayPerWorkspace === undefined
      ? []
      : Object.entries(state.workspaces).map(([workspace, spend]) => ({
          scope: 'workspace-day' as const,
          workspace,
          tokens: left(tokensPerDayPerWorkspace, spend),
        }))),
  ]
}

/** UTC date of a time. */
function dayOf(now: number): string {
  return new Date(now).toISOString().slice(0, 10)
}

function turnDay(state: LedgerState, now: number): void {
  const today = dayOf(now)
  // Never back: a replica whose clock is behind would open yesterday again.
  if (state.day >= today) return
  state.day = today
  state.spent = { reserved: 0, settled: 0 }
  state.workspaces = {}
}

function tokenTurn(pace: ModelPace, tokens: number, limit: number | undefined, now: number) {
  if (limit === undefined) return { startAt: now, until: pace.tokensAt }
  const known = pace.headerUntil > now ? Math.min(limit, pace.headerLimit) : limit
  const perMs = (known * rateShare * shareNow(pace, now)) / 60_000
  const burstMs = (known * (1 - rateShare)) / perMs
  const from = Math.max(pace.tokensAt, now)
  const until = from + tokens / perMs
  // The burst is taken off once, here: taken off the arrival time too it would be there twice.
  return { startAt: until - burstMs, until }
}

function requestTurn(pace: ModelPace, limit: number | undefined, now: number) {
  if (limit === undefined) return { startAt: now, until: pace.requestsAt }
  const intervalMs = 60_000 / (limit * rateShare)
  const until = Math.max(pace.requestsAt, now) + intervalMs
  return { startAt: until - Math.max(intervalMs, Math.min(requestBurstMs, 60_000 * (1 - rateShare))), until }
}

/** Two hundredths are won back in ten seconds; after `slow_down` half of the share in a quarter of an hour. */
function shareNow(pace: ModelPace, now: number): number {
  const perMs = pace.slowly ? (pace.share * 0.5) / slowGrowthMs : 0.02 / 10_000
  return Math.min(1, pace.share + perMs * Math.max(0, now - pace.shareAt))
}

function used(spend: Spend): number {
  return spend.reserved + spend.settled
}

function freshPace(now: number): ModelPace {
  return {
    tokensAt: 0,
    requestsAt: 0,
    blockedUntil: 0,
    share: 1,
    shareAt: now,
    slowly: false,
    headerLimit: 0,
    headerUntil: 0,
  }
}
