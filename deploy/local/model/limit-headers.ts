import type { Dialect } from './api-failure.ts'
import type { LimitState } from './rate-limiter.ts'

/** A duration as Go prints it, which is how OpenAI's reset headers and messages do: `12ms`, `7.66s`, `6m0s`, `1h2m3.5s`. */
export function goDuration(durationMs: number): string {
  const whole = Math.max(0, Math.round(durationMs))
  if (whole === 0) return '0s'
  if (whole < 1000) return `${whole}ms`
  const hours = Math.floor(whole / 3_600_000)
  const minutes = Math.floor((whole % 3_600_000) / 60_000)
  const seconds = `${(whole % 60_000) / 1000}s`
  if (hours > 0) return `${hours}h${minutes}m${seconds}`
  return minutes > 0 ? `${minutes}m${seconds}` : seconds
}

/** The limiter's headers: OpenAI sends all six on every answer; Azure sends the resets (bare seconds) only with a refusal. */
export function limitHeaders(dialect: Dialect, state: LimitState, refused: boolean): Record<string, string> {
  const headers: Record<string, string> = {
    'x-ratelimit-limit-requests': String(state.limitRequests),
    'x-ratelimit-limit-tokens': String(state.limitTokens),
    'x-ratelimit-remaining-requests': String(state.remainingRequests),
    'x-ratelimit-remaining-tokens': String(state.remainingTokens),
  }
  if (dialect === 'openai') {
    headers['x-ratelimit-reset-requests'] = goDuration(state.resetRequestsMs)
    headers['x-ratelimit-reset-tokens'] = goDuration(state.resetTokensMs)
  } else if (refused) {
    headers['x-ratelimit-reset-requests'] = String(Math.ceil(state.resetRequestsMs / 1000))
    headers['x-ratelimit-reset-tokens'] = String(Math.ceil(state.resetTokensMs / 1000))
  }
  return headers
}

/** How long to wait, in both units: `retry-after` is whole seconds, so it is never shorter than `retry-after-ms`. */
export function retryHeaders(waitMs: number): Record<string, string> {
  return { 'retry-after-ms': String(Math.ceil(waitMs)), 'retry-after': String(Math.ceil(waitMs / 1000)) }
}
