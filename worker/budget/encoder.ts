import { encode } from 'gpt-tokenizer/encoding/o200k_base'

/**
 * Tokens of a text by o200k_base. A file of its own, in the bundle too: its ranks are a third of all the code, and nothing
 * needs them before the first prompt.
 */
export function encodeText(text: string, options: { disallowedSpecial: Set<string> }): number[] {
  return encode(text, options)
}
