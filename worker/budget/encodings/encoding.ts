import { createRequire } from 'node:module'
import { extname } from 'node:path'

export type Encoding = 'o200k-base' | 'cl100k-base'
type Encode = (text: string, options: { disallowedSpecial: Set<string> }) => number[]

/** A special token in an alert's text is text: refusing it would let one line dead-letter an incident. */
const asText = { disallowedSpecial: new Set<string>() }
const loaded = new Map<Encoding, Encode>()

/**
 * The encoding of a chat model: cl100k_base for the gpt-3.5 and gpt-4 families (Azure writes gpt-35), o200k_base for gpt-4o,
 * gpt-4.1 and all that came after (the model table of OpenAI's tiktoken). A deployment with a name of its own counts as new:
 * the calibration by the provider's own count makes up for the few percent between them.
 */
export function encodingOf(model: string): Encoding {
  return /^gpt-(?:3\.?5|4)(?:-(?!o)|$)/i.test(model) ? 'cl100k-base' : 'o200k-base'
}

/** Tokens of a text. The encoding is loaded by the first count, not by the start: a worker that scales from zero has its first message sooner. */
export function countEncoded(encoding: Encoding, text: string): number {
  const encode = loaded.get(encoding) ?? load(encoding)
  return encode(text, asText).length
}

function load(encoding: Encoding): Encode {
  // From source this file is in their folder; the bundle has them beside itself.
  const { encode } = createRequire(import.meta.url)(`./${encoding}${extname(import.meta.filename)}`) as {
    encode: Encode
  }
  loaded.set(encoding, encode)
  return encode
}
