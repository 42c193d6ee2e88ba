import { createRequire } from 'node:module'
import { extname } from 'node:path'

/**
 * Token counts by o200k_base, the encoding of every current OpenAI chat model; older models count within a few percent.
 * Byte-pair encoding is quadratic in an unbroken run, so text is counted in windows (over-counts by about 0.1 %, never
 * under), and special tokens in an alert's text are text: refusing them would let one line dead-letter an incident.
 */
const windowLength = 2_048
const asText = { disallowedSpecial: new Set<string>() }

let encodeText: typeof import('./encoder.ts').encodeText | undefined

/** Loaded by the first count, not by the start: a worker that scales from zero has its first message sooner. */
function encoder(): NonNullable<typeof encodeText> {
  // The bundle has it beside itself, as `encoder.js`.
  encodeText ??= createRequire(import.meta.url)(`./encoder${extname(import.meta.filename)}`).encodeText
  if (!encodeText) throw new Error('the token encoder was not found')
  return encodeText
}

/** Counts of texts that were counted lately: the follow-ups of a conversation send its first turn's messages again. */
const counted = new Map<string, number>()
const rememberedTexts = 256
/** A longer text is rare, and would be much to hold. */
const longestRemembered = 16_384

/** Tokens of a text. */
export function countTokens(text: string): number {
  const known = counted.get(text)
  if (known !== undefined) return known
  const tokens = encodeInWindows(text)
  if (text.length > longestRemembered) return tokens
  counted.set(text, tokens)
  const [oldest] = counted.size > rememberedTexts ? counted.keys() : []
  if (oldest !== undefined) counted.delete(oldest)
  return tokens
}

function encodeInWindows(text: string): number {
  const encode = encoder()
  let tokens = 0
  for (let start = 0; start < text.length; ) {
    let end = Math.min(start + windowLength, text.length)
    if (end < text.length && /[\uD800-\uDBFF]/.test(text.charAt(end - 1))) end--
    tokens += encode(text.slice(start, end), asText).length
    start = end
  }
  return tokens
}

/**
 * Tokens of a chat prompt: 3 per message for its frame and 1 for its role, 3 that start the answer (OpenAI cookbook, "How to
 * count tokens"); a response schema's JSON text goes into the prompt too.
 */
export function countPromptTokens(messages: readonly { content: string }[], schema?: Record<string, unknown>): number {
  const format = schema ? countTokens(JSON.stringify(schema)) : 0
  return messages.reduce((sum, message) => sum + 4 + countTokens(message.content), 3 + format)
}
