import { randomUUID } from 'node:crypto'
import type { Access } from './access.ts'
import { contextTooLong, type Dialect, modelNotFound, refusalOf, unauthorized } from './api-failure.ts'
import { type ChatRequest, usageOf } from './chat-request.ts'
import { completeChat, completionBody } from './complete-chat.ts'
import { type EncodedPrompt, encodePrompt } from './count-prompt.ts'
import { loadEncoding } from './encode-text.ts'
import type { Fault } from './fault.ts'
import { faultReply } from './fault-reply.ts'
import type { FaultPlan } from './faults.ts'
import type { Journal, ModelRequest } from './journal.ts'
import { modelFamily } from './model-family.ts'
import { assumedCompletionTokens } from './model-options.ts'
import type { PromptCache } from './prompt-cache.ts'
import type { RateLimiter } from './rate-limiter.ts'
import { type MaxTokensParameter, readChatRequest } from './read-chat-request.ts'
import { failureReply, jsonReply, type Reply } from './reply.ts'

export interface ChatEndpoint {
  dialect: Dialect
  contextWindow: number
  maxTokensParameter: MaxTokensParameter
  access: Access
  plan: FaultPlan
  limiter: RateLimiter
  cache: PromptCache
  journal: Journal
}

/**
 * Answers one chat completion, in the order in which providers look: key, model, body, context, limits; then the model.
 * A fault strikes behind the key's check, so that a wrong key uses none up.
 */
export async function answerChat(endpoint: ChatEndpoint, request: ModelRequest, body: unknown): Promise<Reply> {
  const { dialect, plan, contextWindow } = endpoint
  if (!endpoint.access.allows(request.keyUsed)) return failureReply(unauthorized(dialect, request.keyUsed))
  const fault = plan.take(request)
  request.fault = fault
  const instead = fault && faultReply(fault, { dialect, model: request.model, key: request.keyUsed, contextWindow })
  if (instead && fault.kind !== 'contentFilteredPrompt') return instead
  if (plan.controls.unknownModel.has(request.model)) return failureReply(modelNotFound(dialect, request.model))

  const reading = readChatRequest(body, endpoint.maxTokensParameter)
  if ('failure' in reading) return failureReply(reading.failure)
  const chat = reading.request
  const encoding = await loadEncoding(modelFamily(chat.model).encoding)
  const prompt = encodePrompt(chat, encoding)
  const asked = chat.maxCompletionTokens
  if (prompt.tokens + (asked ?? 1) > contextWindow) {
    return failureReply(contextTooLong(contextWindow, prompt.tokens, prompt.tokens > contextWindow ? undefined : asked))
  }
  const charge = prompt.tokens + chat.choices * (asked ?? assumedCompletionTokens)
  const admission = endpoint.limiter.admit(charge)
  if (!admission.admitted) return failureReply(refusalOf(dialect, chat.model, admission, charge))
  endpoint.journal.admit(request, charge)
  // The filter has read the prompt, and that is billed.
  if (instead) return { ...instead, usage: usageOf(prompt.tokens, 0) }

  const seed = seedOf(prompt)
  const cachedTokens = endpoint.cache.look(chat.model, prompt)
  const cap = asked ?? contextWindow - prompt.tokens
  return replyOf(endpoint, request, { chat, prompt, encoding, cachedTokens, cap, seed, fault })
}

function replyOf(endpoint: ChatEndpoint, request: ModelRequest, work: Parameters<typeof completeChat>[0]): Reply {
  const { chat, fault, seed } = work
  const completion = completeChat(work)
  const id = `chatcmpl-${randomUUID().replaceAll('-', '')}`
  const body = completionBody(id, request.at, chat, completion, endpoint.dialect, fault)
  const reply: Reply = { ...jsonReply(200, body), seed, usage: completion.usage, answer: completion.content ?? '' }
  return fault ? breakReply(reply, fault) : reply
}

function breakReply(reply: Reply, fault: Fault): Reply {
  switch (fault.kind) {
    case 'malformedJson':
      return { ...reply, body: reply.body.slice(0, Math.floor(reply.body.length / 2)) }
    case 'emptyBody':
      return { ...reply, body: '' }
    case 'stallBeforeHeaders':
    case 'stallBody':
    case 'truncateBody':
      return { ...reply, breaks: fault }
    default:
      return reply
  }
}

function seedOf(prompt: EncodedPrompt): number {
  let hash = 0x811c9dc5
  for (const { ids } of prompt.messages) for (const id of ids) hash = Math.imul(hash ^ id, 0x01000193)
  return hash >>> 0
}

/** The members of a body that are not the messages, as the journal keeps them. */
export function parametersOf(body: unknown): Record<string, unknown> {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) return {}
  const { messages: _, ...parameters } = body as Record<string, unknown>
  return parameters
}

/** The messages of a body, for the journal and for matching faults; those that are none are left out. */
export function messagesOf(body: unknown): ChatRequest['messages'] {
  const given = typeof body === 'object' && body !== null ? (body as Record<string, unknown>).messages : undefined
  if (!Array.isArray(given)) return []
  return given.filter((one: unknown) => {
    if (typeof one !== 'object' || one === null) return false
    const { content } = one as Record<string, unknown>
    return typeof content === 'string' || content === null || Array.isArray(content)
  })
}
