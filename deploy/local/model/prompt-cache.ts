import type { EncodedPrompt } from './count-prompt.ts'

const leastTokens = 1_024
const stepTokens = 128
const keptMs = 10 * 60_000
const keptPrefixes = 50_000

/** The provider's prompt cache. */
export interface PromptCache {
  /** Tokens of the prompt's longest known prefix (0, or 1,024 and up in steps of 128); remembers this prompt's prefixes. */
  look(model: string, prompt: EncodedPrompt): number
}

/** @param now milliseconds since the Unix epoch. */
export function createPromptCache(now: () => number): PromptCache {
  /** A prefix's hash and until when it is known; the order is that of use, so the first is the one to forget. */
  const prefixes = new Map<number, number>()

  const look = (model: string, prompt: EncodedPrompt): number => {
    if (prompt.tokens < leastTokens) return 0
    const at = now()
    let found = 0
    for (const [position, hash] of prefixHashes(model, prompt)) {
      const until = prefixes.get(hash)
      if (until !== undefined && until > at) found = position
      prefixes.delete(hash)
      prefixes.set(hash, at + keptMs)
    }
    for (const oldest of prefixes.keys()) {
      if (prefixes.size <= keptPrefixes) break
      prefixes.delete(oldest)
    }
    return found
  }
  return { look }
}

/** A hash of the prompt's first 1,024, 1,152, … tokens each, 53 bits from two multiplicative hashes. */
function* prefixHashes(model: string, prompt: EncodedPrompt): Generator<[position: number, hash: number]> {
  let low = 0x811c9dc5
  let high = 0x9e3779b9
  let position = 0
  const add = (value: number) => {
    low = Math.imul(low ^ value, 0x01000193)
    high = Math.imul(high ^ value, 0x85ebca6b) + 1
    high ^= high >>> 15
    position += 1
  }
  const atStep = () => position >= leastTokens && position % stepTokens === 0
  const hash = () => (high >>> 0) * 0x200000 + (low >>> 11)
  for (const character of model) add(character.charCodeAt(0))
  position = 0
  for (const message of prompt.messages) {
    // The separators count as tokens of their own, and tell a system message from a user's with the same text.
    for (let token = 0; token < message.overhead; token++) {
      add(message.role.charCodeAt(Math.min(token, message.role.length - 1)))
      if (atStep()) yield [position, hash()]
    }
    for (const id of message.ids) {
      add(id)
      if (atStep()) yield [position, hash()]
    }
  }
}
