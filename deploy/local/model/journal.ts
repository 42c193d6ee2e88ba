import type { ChatMessage, Usage } from './chat-request.ts'
import type { Fault } from './fault.ts'

/** One request as the server saw it; filled in as it goes on. */
export interface ModelRequest {
  /** The request id that its answer carries. */
  id: string
  /** When it had been read in full, milliseconds since the Unix epoch by the server's clock. */
  at: number
  method: string
  path: string
  model: string
  /** Verbatim; empty when the body could not be understood. */
  messages: ChatMessage[]
  /** The body's other members, verbatim. */
  parameters: Record<string, unknown>
  /** The key or token that came with it. Not enumerable: neither console.log nor JSON shows it. */
  readonly keyUsed: string | undefined
  /** Status of the answer; `undefined` while it is open, and when the connection ended without one. */
  status: number | undefined
  /** The answer's text, where there is one. */
  answer: string | undefined
  /** What the limiter took: prompt and cap. 0 when refused. */
  admittedTokens: number
  /** What the provider bills, set as soon as the model has worked, even if the answer never arrives. */
  usage: Usage | undefined
  fault: Fault | undefined
  /** The client went away, or was cut off, before the answer was out. */
  disconnected: boolean
}

/** Sums over all chat completion requests since the start, those that left the journal included. */
export interface ModelTotals {
  requests: number
  /** Answered with 200. */
  answered: number
  /** Answered with anything else. */
  refused: number
  disconnected: number
  promptTokens: number
  completionTokens: number
  cachedTokens: number
  reasoningTokens: number
  admittedTokens: number
  /** Admitted in the last 60 seconds, and the most that ever was in any 60. */
  readonly admittedTokensInWindow: number
  peakAdmittedTokensInWindow: number
  inFlight: number
  peakInFlight: number
}

export interface Journal {
  entries: ModelRequest[]
  totals: ModelTotals
  add(request: Omit<ModelRequest, 'keyUsed'>, key: string | undefined): ModelRequest
  admit(request: ModelRequest, tokens: number): void
  charge(request: ModelRequest, usage: Usage): void
}

/**
 * @param keep how many requests stay in `entries`, so that a soak of a day does not grow.
 * @param now milliseconds since the Unix epoch.
 */
export function createJournal(keep: number, now: () => number): Journal {
  const entries: ModelRequest[] = []
  const window: { at: number; tokens: number }[] = []
  let inWindow = 0
  const expire = () => {
    const oldest = now() - 60_000
    let expired = 0
    for (const admitted of window) {
      if (admitted.at > oldest) break
      inWindow -= admitted.tokens
      expired += 1
    }
    if (expired > 0) window.splice(0, expired)
    return inWindow
  }
  const totals: ModelTotals = {
    requests: 0,
    answered: 0,
    refused: 0,
    disconnected: 0,
    promptTokens: 0,
    completionTokens: 0,
    cachedTokens: 0,
    reasoningTokens: 0,
    admittedTokens: 0,
    get admittedTokensInWindow() {
      return expire()
    },
    peakAdmittedTokensInWindow: 0,
    inFlight: 0,
    peakInFlight: 0,
  }

  return {
    entries,
    totals,
    add(request, key) {
      Object.defineProperty(request, 'keyUsed', { value: key, enumerable: false })
      entries.push(request as ModelRequest)
      // Cut in large pieces: taking one off the front each time would move all the others.
      if (entries.length > keep + Math.max(64, keep / 8)) entries.splice(0, entries.length - keep)
      return request as ModelRequest
    },
    admit(request, tokens) {
      request.admittedTokens = tokens
      totals.admittedTokens += tokens
      // One entry per 50 ms at most, else an unlimited soak fills the window with millions.
      const last = window.at(-1)
      if (last && now() - last.at < 50) last.tokens += tokens
      else window.push({ at: now(), tokens })
      inWindow += tokens
      totals.peakAdmittedTokensInWindow = Math.max(totals.peakAdmittedTokensInWindow, expire())
    },
    charge(request, usage) {
      request.usage = usage
      totals.promptTokens += usage.prompt_tokens
      totals.completionTokens += usage.completion_tokens
      totals.cachedTokens += usage.prompt_tokens_details.cached_tokens
      totals.reasoningTokens += usage.completion_tokens_details.reasoning_tokens
    },
  }
}
