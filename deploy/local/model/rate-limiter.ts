/** What a provider's limiter says of a request, before the model sees it. */
export type Admission =
  | { admitted: true }
  /** `waitMs`: until the same request would pass. `used`: of the limit, at that moment. */
  | { admitted: false; by: 'tokens' | 'requests'; waitMs: number; used: number; limit: number }
  /** It can never pass: it asks for more than a whole minute's tokens. */
  | { admitted: false; by: 'size'; limit: number }

/** The state that the `x-ratelimit-*` headers tell. */
export interface LimitState {
  limitRequests: number
  remainingRequests: number
  /** Until the limit stands at its full height again. */
  resetRequestsMs: number
  limitTokens: number
  remainingTokens: number
  resetTokensMs: number
}

export interface RateLimiter {
  /**
   * Charges `tokens` (prompt and the most that the completion may take) and one request, or refuses and charges no
   * tokens. Nothing is given back when the completion turns out shorter: providers do not either.
   */
  admit(tokens: number): Admission
  state(): LimitState
}

export interface RateLimits {
  /** `undefined`: not limited. */
  tokensPerMinute: number | undefined
  requestsPerMinute: number | undefined
  /** Milliseconds since the Unix epoch. */
  now: () => number
}

/** What the headers show where nothing is limited: a big account's numbers, since real providers always send some. */
export const unlimitedTokens = 150_000_000
export const unlimitedRequests = 30_000
