import type { ModelRequest } from './journal.ts'

/** What can go wrong with one request, as the wire shows it. "Charged" ones cost tokens although no use can be made of them. */
export type Fault =
  /** 429 that passes with time. Without any wait given: one second. */
  | {
      kind: 'rateLimited'
      by?: 'tokens' | 'requests'
      retryAfterSeconds?: number
      retryAfterMs?: number
      /** Neither retry nor rate-limit headers: the message alone tells the wait. */
      noHeaders?: boolean
      messageSeconds?: number
      /** The message tells no wait either. */
      noMessage?: boolean
      /** With `noHeaders`: `x-ratelimit-remaining-*: 0` and the reset alone, in the dialect's form. */
      resetSeconds?: number
    }
  /** 429 (or 503) for an account whose traffic grows too fast. */
  | { kind: 'slowDown'; status?: 429 | 503; retryAfterSeconds?: number }
  | { kind: 'requestTooLarge'; limit?: number; requested?: number }
  | {
      kind: 'insufficientQuota'
      code?: 'insufficient_quota' | 'credit_balance_exhausted' | 'billing_hard_limit_reached'
    }
  | { kind: 'flexUnavailable' }
  | { kind: 'serverError'; status: 500 | 502 | 503 | 504 | 529; html?: boolean }
  | { kind: 'overloaded'; status?: 429 | 503 | 529; retryAfterSeconds?: number }
  /** The connection ends before the request is read. With a `match` it can only be after it. */
  | { kind: 'refuseConnection' }
  /** The connection is reset (RST) after the request was read, before any answer. */
  | { kind: 'reset' }
  /** Nothing for `ms`, then the answer. Charged. */
  | { kind: 'stallBeforeHeaders'; ms: number }
  /** Headers and half of the body, nothing for `ms`, then the rest. Charged. */
  | { kind: 'stallBody'; ms: number }
  /** The connection ends half-way through the body. Charged. */
  | { kind: 'truncateBody' }
  /** 200 with JSON that ends too early. Charged. */
  | { kind: 'malformedJson' }
  /** 200 with a web page, as from a proxy or a wrong base URL. */
  | { kind: 'htmlPage' }
  /** 200 with nothing. Charged. */
  | { kind: 'emptyBody' }
  | { kind: 'errorInside200' }
  /** 200 with `choices: []`. Charged. */
  | { kind: 'noChoices' }
  /** finish_reason `length`: half of the answer. Charged. */
  | { kind: 'cutByLength' }
  /** finish_reason `length` and no text: reasoning took the whole cap. Charged. */
  | { kind: 'emptyByLength' }
  /** 400 `content_filter` with Azure's innererror. The prompt is charged. */
  | { kind: 'contentFilteredPrompt'; category?: FilterCategory }
  /** 200 with finish_reason `content_filter`. Charged. */
  | { kind: 'contentFilteredOutput'; category?: FilterCategory }
  /** 200 whose annotations (Azure's dialect) say that Prompt Shields detected an attack and let it pass. Charged. */
  | { kind: 'attackAnnotated'; category: 'jailbreak' | 'indirect_attack' }
  /** 200 with this text for an answer: a model that an injection took over. Charged. */
  | { kind: 'says'; text: string }
  /** 200 that tells what the system role says: a model that was talked into it. Charged. */
  | { kind: 'tellsSystem' }
  /** 200, unfiltered: the filter itself failed. Charged. */
  | { kind: 'filterDown' }
  /** 200 with `message.refusal` and no content. Charged. */
  | { kind: 'refusal' }
  /** 200 with JSON that is not what the schema asked for. Charged. */
  | { kind: 'schemaViolation' }
  /** 200 with the JSON inside a Markdown fence. Charged. */
  | { kind: 'fencedJson' }
  | { kind: 'unsupportedParameter'; param: string; instead?: string }
  | { kind: 'unsupportedValue'; param: string; value: string }
  | { kind: 'contextTooLong' }
  | { kind: 'invalidApiVersion' }
  | { kind: 'payloadTooLarge' }
  /** `gateway`: API Management's body, which has no `error` member. */
  | { kind: 'unauthorized'; gateway?: boolean }
  | { kind: 'forbidden'; reason?: 'role' | 'network' | 'country' | 'gatewayQuota' }
  | { kind: 'modelNotFound' }
  | { kind: 'deploymentNotFound' }
  | { kind: 'redirect'; location: string }

export type FilterCategory = 'hate' | 'sexual' | 'violence' | 'self_harm' | 'jailbreak' | 'indirect_attack'

/** Which requests a fault or a hold is for: by text anywhere in the messages (an incident's title), by turn, or by a test. */
export type FaultMatch = string | { text?: string; turn?: 'first' | 'follow-up' } | ((request: ModelRequest) => boolean)
