import { Failure } from '../../shared/failure.ts'

/** Of a prompt that was found too long, at most so much is sent the second time. */
const mostShare = 0.8
/** Both counts of a text differ a little. */
const margin = 0.98

/**
 * The provider takes no prompt of this length. It is asked once more with less evidence; thrown further, it dead-letters the
 * message as `TokenBudgetExceeded`.
 */
export class PromptTooLong extends Failure {
  readonly #limit: number | undefined
  readonly #requested: number | undefined
  /** The provider's own count of the prompt, where its message tells it. */
  readonly promptTokens: number | undefined

  /** @param providerMessage as OpenAI and Azure OpenAI word it: "maximum context length is …", "Limit …, Requested …" */
  constructor(code: string, message: string, providerMessage: string) {
    super(message, { kind: 'hopeless', reason: 'TokenBudgetExceeded', dependency: 'model', code })
    this.name = 'PromptTooLong'
    const figure = (pattern: RegExp) => {
      const digits = pattern.exec(providerMessage)?.[1]
      return digits === undefined ? undefined : Number(digits)
    }
    this.#limit = figure(/(?:maximum context length is|\bLimit) (\d{1,9})/i)
    this.#requested = figure(/\brequested (\d{1,9})/i)
    this.promptTokens = figure(/resulted in (\d{1,9}) tokens/i) ?? figure(/(\d{1,9}) in the messages/i)
  }

  /** How much of the prompt would be taken, at most four fifths: so much is cut where the provider gives no figures. */
  shareTaken(maxCompletionTokens: number): number {
    const prompt = this.promptTokens ?? (this.#requested ?? 0) - maxCompletionTokens
    if (this.#limit === undefined || !(prompt > 0)) return mostShare
    return Math.min(mostShare, (margin * (this.#limit - maxCompletionTokens)) / prompt)
  }
}
