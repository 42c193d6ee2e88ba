import {
  type LimitState,
  type RateLimiter,
  type RateLimits,
  unlimitedRequests,
  unlimitedTokens,
} from './rate-limiter.ts'

/**
 * OpenAI's kind: two buckets, a minute's limit high, that refill all the time.
 * A request refused for its tokens has still used up one request ("unsuccessful requests contribute to your limit").
 */
export function createBucketLimiter(limits: RateLimits): RateLimiter {
  const tokens = createBucket(limits.tokensPerMinute, limits.now)
  const requests = createBucket(limits.requestsPerMinute, limits.now)

  const state = (): LimitState => ({
    limitRequests: limits.requestsPerMinute ?? unlimitedRequests,
    remainingRequests: requests ? Math.floor(requests.level()) : unlimitedRequests - 1,
    resetRequestsMs: requests ? Math.ceil(requests.untilFullMs()) : 2,
    limitTokens: limits.tokensPerMinute ?? unlimitedTokens,
    remainingTokens: tokens ? Math.floor(tokens.level()) : unlimitedTokens - 1,
    resetTokensMs: tokens ? Math.ceil(tokens.untilFullMs()) : 2,
  })

  return {
    state,
    admit(charge) {
      if (tokens && charge > tokens.size) return { admitted: false, by: 'size', limit: tokens.size }
      if (requests && !requests.has(1)) {
        return {
          admitted: false,
          by: 'requests',
          waitMs: requests.untilMs(1),
          used: requests.used(),
          limit: requests.size,
        }
      }
      requests?.take(1)
      if (tokens && !tokens.has(charge)) {
        return {
          admitted: false,
          by: 'tokens',
          waitMs: tokens.untilMs(charge),
          used: tokens.used(),
          limit: tokens.size,
        }
      }
      tokens?.take(charge)
      return { admitted: true }
    },
  }
}

function createBucket(size: number | undefined, now: () => number) {
  if (size === undefined) return undefined
  const perMs = size / 60_000
  let held = size
  let at = now()
  const level = () => {
    const time = now()
    held = Math.min(size, held + Math.max(0, time - at) * perMs)
    at = time
    return held
  }
  // A client that waited for exactly the quoted time must pass: rounding must not keep it out.
  const has = (amount: number) => level() + 1e-6 >= amount
  return {
    size,
    level,
    has,
    take: (amount: number) => {
      held = Math.max(0, level() - amount)
    },
    used: () => Math.ceil(size - level()),
    untilMs: (amount: number) => Math.max(1, Math.ceil((amount - level()) / perMs)),
    untilFullMs: () => (size - level()) / perMs,
  }
}
