import { type ChatRequest, textOf } from './chat-request.ts'
import type { TextEncoding } from './encode-text.ts'

/** Tokens around every message, and the start of the answer, as OpenAI's cookbook counts a chat. */
const perMessage = 3
const primingTokens = 3

/** One message of a prompt as tokens, in the order in which the model reads them. */
export interface EncodedMessage {
  role: string
  ids: Uint32Array
  /** The role, the name and the separators. */
  overhead: number
}

export interface EncodedPrompt {
  messages: EncodedMessage[]
  /** The whole prompt, the response schema's tokens included: what `usage.prompt_tokens` says. */
  tokens: number
}

/**
 * Counts a chat prompt: per message 3 + role + content (+ 1 and the name), 3 to start the answer, and the JSON text of a
 * response schema, which providers put into the prompt too.
 */
export function encodePrompt(request: ChatRequest, encoding: TextEncoding): EncodedPrompt {
  const messages = request.messages.map((message): EncodedMessage => {
    const ids = encoding.encode(textOf(message))
    const name = message.name ? 1 + encoding.encode(message.name).length : 0
    return { role: message.role, ids, overhead: perMessage + encoding.encode(message.role).length + name }
  })
  let tokens = primingTokens
  for (const message of messages) tokens += message.overhead + message.ids.length
  const format = request.responseFormat
  if (format.type === 'json_schema') tokens += encoding.encode(JSON.stringify(format.json_schema.schema)).length
  return { messages, tokens }
}
