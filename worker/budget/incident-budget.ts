import { Failure, hopeless } from '../../shared/failure.ts'
import type { ChatMessage, ModelAnswer } from '../conversation/model-client.ts'
import { PromptTooLong } from '../conversation/prompt-too-long.ts'
import { Calibration } from './calibration.ts'
import { countPromptTokens, TokenCounter } from './count-tokens.ts'

/** What one call may use, and the duty to say what it did use. */
export interface Reservation {
  promptTokens: number
  /** The completion's cap: what was asked for, or what is left. */
  completionTokens: number
  /** The call was answered: the provider's own count is charged. @returns the tokens charged */
  settle(answer: Pick<ModelAnswer, 'promptTokens' | 'completionTokens' | 'cachedTokens'>): number
  /** The call failed: charged as far as the provider may have counted it. @returns the tokens charged */
  fail(error: unknown): number
  /** The call was never sent. */
  cancel(): void
}

/** An answer shorter than this is of no use, so no call is made for it. */
const smallestCompletion = 64
/** Providers charge the prompt that their filter read and refused. */
const promptCharged = new Set(['content_filter'])

/**
 * The ceiling of one incident, prompt and completion, over all turns and retries. Calls run side by side, so each reserves
 * its worst case before it is made.
 */
export class IncidentBudget {
  readonly ceiling: number
  readonly #counter: TokenCounter
  readonly #calibration: Calibration
  #spent: number
  #reserved = 0
  #calls: number
  /** What this attempt used, for the log. */
  readonly used = { promptTokens: 0, completionTokens: 0, cachedTokens: 0, calls: 0 }

  /** @param model whose encoding counts */
  constructor(
    ceiling: number,
    before: { spentTokens: number; calls: number },
    model: string,
    calibration = new Calibration(),
  ) {
    this.ceiling = ceiling
    this.#counter = new TokenCounter(model)
    this.#calibration = calibration
    this.#spent = before.spentTokens
    this.#calls = before.calls
  }

  /** Charged so far, earlier attempts included. */
  get spentTokens(): number {
    return this.#spent
  }

  /** Charged, and the worst case of the calls under way: what must not be forgotten if this process dies now. */
  get committedTokens(): number {
    return this.#spent + this.#reserved
  }

  /** What is neither charged nor reserved. */
  get left(): number {
    return this.ceiling - this.committedTokens
  }

  /** What our counts are multiplied by, to be no less than the provider's. */
  get factor(): number {
    return this.#calibration.factor
  }

  /** Our count of a prompt, with pauses for everybody else; `reserve` need not count these texts again. */
  async countInPieces(messages: readonly ChatMessage[], schema?: Record<string, unknown>): Promise<number> {
    await this.#counter.prepare(messages.map((message) => message.content))
    return countPromptTokens(messages, schema, this.#counter)
  }

  get calls(): number {
    return this.#calls
  }

  /** @throws Failure TokenBudgetExceeded before anything is sent */
  reserve(messages: readonly ChatMessage[], wantedCompletion: number, schema?: Record<string, unknown>): Reservation {
    const counted = countPromptTokens(messages, schema, this.#counter)
    const promptTokens = Math.ceil(counted * this.#calibration.factor)
    const completionTokens = Math.min(wantedCompletion, this.left - promptTokens)
    if (completionTokens < Math.min(smallestCompletion, wantedCompletion)) throw budgetExceeded(this.ceiling)
    const reserved = promptTokens + completionTokens
    this.#reserved += reserved
    this.#calls++
    this.used.calls++
    let open = true
    const close = (prompt: number, completion: number): number => {
      if (!open) return 0
      open = false
      this.#reserved -= reserved
      this.#spent += prompt + completion
      this.used.promptTokens += prompt
      this.used.completionTokens += completion
      return prompt + completion
    }
    return {
      promptTokens,
      completionTokens,
      settle: (answer) => {
        // A server that reports no usage is charged by our own count.
        this.used.cachedTokens += answer.cachedTokens
        const known = answer.promptTokens + answer.completionTokens > 0
        if (known) this.#calibration.learn(counted, answer.promptTokens)
        return close(known ? answer.promptTokens : promptTokens, known ? answer.completionTokens : completionTokens)
      },
      fail: (error) => {
        if (!(error instanceof Failure)) return close(0, 0)
        if (error instanceof PromptTooLong && error.promptTokens) this.#calibration.learn(counted, error.promptTokens)
        const all = error.kind === 'interrupted' || error.maybeCharged
        return close(all || promptCharged.has(error.code) ? promptTokens : 0, all ? completionTokens : 0)
      },
      cancel: () => {
        if (!open) return
        close(0, 0)
        this.#calls--
        this.used.calls--
      },
    }
  }
}

export function budgetExceeded(ceiling: number): Failure {
  return hopeless(
    'TokenBudgetExceeded',
    'budget',
    'TokenBudgetExceeded',
    `The conversation does not fit TOKENS_PER_INCIDENT (${ceiling}): raise it, or lower the playbook's limits.`,
  )
}
