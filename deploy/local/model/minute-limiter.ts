import {
  type LimitState,
  type RateLimiter,
  type RateLimits,
  unlimitedRequests,
  unlimitedTokens,
} from './rate-limiter.ts'

const minuteMs = 60_000

/**
 * Azure's kind: a running count of tokens that goes back to zero every minute (counted from the limiter's start), and
 * requests that are also checked in short slices, so that a minute's requests cannot all come in its first second.
 *
 * @param sliceSeconds Azure looks at 1 or 10 seconds.
 */
export function createMinuteLimiter(limits: RateLimits, sliceSeconds: 1 | 10): RateLimiter {
  const tokens = createWindow(limits.tokensPerMinute, minuteMs, limits.now)
  const requests = createWindow(limits.requestsPerMinute, minuteMs, limits.now)
  const perSlice = limits.requestsPerMinute && Math.max(1, Math.floor((limits.requestsPerMinute * sliceSeconds) / 60))
  const slice = createWindow(perSlice, sliceSeconds * 1000, limits.now)

  const state = (): LimitState => ({
    limitRequests: limits.requestsPerMinute ?? unlimitedRequests,
    remainingRequests: requests ? requests.size - requests.used() : unlimitedRequests - 1,
    resetRequestsMs: requests ? requests.untilResetMs() : minuteMs,
    limitTokens: limits.tokensPerMinute ?? unlimitedTokens,
    remainingTokens: tokens ? tokens.size - tokens.used() : unlimitedTokens - 1,
    resetTokensMs: tokens ? tokens.untilResetMs() : minuteMs,
  })

  return {
    state,
    admit(charge) {
      if (tokens && charge > tokens.size) return { admitted: false, by: 'size', limit: tokens.size }
      const full = [requests, slice].find((window) => window && window.used() >= window.size)
      if (full)
        return { admitted: false, by: 'requests', waitMs: full.untilResetMs(), used: full.used(), limit: full.size }
      if (tokens && tokens.used() + charge > tokens.size) {
        return { admitted: false, by: 'tokens', waitMs: tokens.untilResetMs(), used: tokens.used(), limit: tokens.size }
      }
      requests?.take(1)
      slice?.take(1)
      tokens?.take(charge)
      return { admitted: true }
    },
  }
}

function createWindow(size: number | undefined, lengthMs: number, now: () => number) {
  if (size === undefined) return undefined
  const startedAt = now()
  let current = 0
  let count = 0
  const used = () => {
    const window = Math.floor((now() - startedAt) / lengthMs)
    if (window !== current) {
      current = window
      count = 0
    }
    return count
  }
  return {
    size,
    used,
    take: (amount: number) => {
      count = used() + amount
    },
    untilResetMs: () => lengthMs - ((now() - startedAt) % lengthMs),
  }
}
