/** The bodies that `POST /chat/completions` takes, as far as this server looks at them. */

export interface TextPart {
  type: 'text'
  text: string
}

export interface ChatMessage {
  role: 'system' | 'developer' | 'user' | 'assistant' | 'tool' | 'function'
  content: string | TextPart[] | null
  name?: string
}

export interface JsonSchemaFormat {
  type: 'json_schema'
  json_schema: { name: string; schema: Record<string, unknown>; strict?: boolean | null }
}

export type ResponseFormat = { type: 'text' } | { type: 'json_object' } | JsonSchemaFormat

/** A body that passed validation. */
export interface ChatRequest {
  model: string
  messages: ChatMessage[]
  /** The cap on completion tokens, by whichever name it came; `undefined` when none was given. */
  maxCompletionTokens: number | undefined
  responseFormat: ResponseFormat
  reasoningEffort: string | undefined
  choices: number
  serviceTier: string
}

/** The text of a message; the parts of a multi-part content follow each other as lines. */
export function textOf(message: ChatMessage): string {
  if (typeof message.content === 'string') return message.content
  return (message.content ?? []).map((part) => part.text).join('\n')
}

/** What a request costs: the wire's `usage` object. */
export interface Usage {
  prompt_tokens: number
  completion_tokens: number
  total_tokens: number
  prompt_tokens_details: { cached_tokens: number; audio_tokens: number }
  completion_tokens_details: {
    reasoning_tokens: number
    audio_tokens: number
    accepted_prediction_tokens: number
    rejected_prediction_tokens: number
  }
}

/** Builds a `usage` object; reasoning tokens are part of the completion's. */
export function usageOf(prompt: number, completion: number, cached = 0, reasoning = 0): Usage {
  return {
    prompt_tokens: prompt,
    completion_tokens: completion,
    total_tokens: prompt + completion,
    prompt_tokens_details: { cached_tokens: cached, audio_tokens: 0 },
    completion_tokens_details: {
      reasoning_tokens: reasoning,
      audio_tokens: 0,
      accepted_prediction_tokens: 0,
      rejected_prediction_tokens: 0,
    },
  }
}
