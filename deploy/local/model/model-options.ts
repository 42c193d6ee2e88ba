import type { Dialect } from './api-failure.ts'
import type { MaxTokensParameter } from './read-chat-request.ts'

export interface ModelOptions {
  /** Default: a free one. */
  port?: number
  /**
   * How long a completion takes; default 0. A function gets a seed, a 32-bit number that the prompt determines: the same
   * request always takes as long.
   */
  latencyMs?: number | ((seed: number) => number)
  /** Whose headers and errors. Default `openai`. */
  dialect?: Dialect
  /** Default: not limited, and the headers show a big account's numbers. */
  tokensPerMinute?: number
  requestsPerMinute?: number
  /** How the limits are counted: OpenAI's bucket refills all the time, Azure's window starts over each minute. Default: as the dialect's provider. */
  limiter?: 'bucket' | 'fixed-minute'
  /** `fixed-minute` also checks requests in slices this long, with a slice's share of the minute. Default 10. */
  requestSliceSeconds?: 1 | 10
  /** Accepted keys. Default: any that is not empty, unless `acceptToken` decides. */
  apiKeys?: string[]
  /** Accepts bearer tokens besides the keys. */
  acceptToken?: (bearer: string) => boolean
  /** Default `either`: both names, but reasoning models refuse `max_tokens`. */
  maxTokensParameter?: MaxTokensParameter
  /** Prompt and completion together, in tokens. Default 128,000. */
  contextWindow?: number
  /** Requests that the journal keeps, at least; totals count all. Default 10,000. */
  keepJournal?: number
  /** Milliseconds since the Unix epoch, for the limits, the prompt cache and the journal. Default: the system's. */
  now?: () => number
}

/** What a completion is counted as at admission when the request has no cap of its own. */
export const assumedCompletionTokens = 4_096
export const defaultContextWindow = 128_000
