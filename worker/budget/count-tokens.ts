import { countEncoded, type Encoding, encodingOf } from './encodings/encoding.ts'
import { createPause } from './pause.ts'

/**
 * Byte-pair encoding is quadratic in an unbroken run, so text is counted in windows (over-counts by about 0.1 %, never under).
 */
const windowLength = 2_048

/** Tokens of a text. */
export function countTokens(text: string, encoding: Encoding = 'o200k-base'): number {
  let tokens = 0
  for (let start = 0; start < text.length; ) {
    const end = windowEnd(text, start)
    tokens += countEncoded(encoding, text.slice(start, end))
    start = end
  }
  return tokens
}

/** The same, with pauses: a window of hostile text takes up to 4 ms. */
export async function countTokensInPieces(text: string, encoding: Encoding = 'o200k-base'): Promise<number> {
  let tokens = 0
  const pause = createPause()
  for (let start = 0; start < text.length; ) {
    const end = windowEnd(text, start)
    tokens += countEncoded(encoding, text.slice(start, end))
    start = end
    await pause()
  }
  return tokens
}

function windowEnd(text: string, start: number): number {
  const end = Math.min(start + windowLength, text.length)
  return end < text.length && /[\uD800-\uDBFF]/.test(text.charAt(end - 1)) ? end - 1 : end
}

/** Counts as a model does, and remembers the newest counts of texts: a conversation's prompts share most of theirs. */
export class TokenCounter {
  readonly #encoding: Encoding
  readonly #known = new Map<string, number>()

  constructor(model: string) {
    this.#encoding = encodingOf(model)
  }

  count(text: string): number {
    return this.#known.get(text) ?? this.#learn(text, countTokens(text, this.#encoding))
  }

  /** Counts in pieces what is not known yet, so that `count` of these texts costs nothing. */
  async prepare(texts: readonly string[]): Promise<void> {
    for (const text of texts) {
      if (!this.#known.has(text)) this.#learn(text, await countTokensInPieces(text, this.#encoding))
    }
  }

  #learn(text: string, tokens: number): number {
    this.#known.set(text, tokens)
    const oldest = this.#known.keys().next().value
    if (this.#known.size > 64 && oldest !== undefined) this.#known.delete(oldest)
    return tokens
  }
}

/**
 * Tokens of a chat prompt: 3 per message for its frame and 1 for its role, 3 that start the answer (OpenAI cookbook, "How to
 * count tokens"); a response schema's JSON text goes into the prompt too.
 */
export function countPromptTokens(
  messages: readonly { content: string }[],
  schema: Record<string, unknown> | undefined,
  counter: TokenCounter,
): number {
  const format = schema ? counter.count(JSON.stringify(schema)) : 0
  return messages.reduce((sum, message) => sum + 4 + counter.count(message.content), 3 + format)
}
