import { writeAnswer } from './answers/write-answer.ts'
import type { Dialect } from './api-failure.ts'
import { type ChatRequest, textOf, type Usage, usageOf } from './chat-request.ts'
import { filterFailed, filterResults } from './content-filter.ts'
import type { EncodedPrompt } from './count-prompt.ts'
import type { TextEncoding } from './encode-text.ts'
import type { Fault } from './fault.ts'
import { modelFamily, reasoningTokens } from './model-family.ts'

export interface Completion {
  content: string | null
  refusal: string | null
  finishReason: 'stop' | 'length' | 'content_filter'
  usage: Usage
}

export interface Work {
  chat: ChatRequest
  prompt: EncodedPrompt
  encoding: TextEncoding
  cachedTokens: number
  /** The most that may be generated. */
  cap: number
  seed: number
  fault: Fault | undefined
}

const refusalText = "I'm sorry, but I can't help with that request."

/**
 * Does the model's work: writes the answer, spends reasoning tokens, cuts at the cap, and spoils the answer if that is
 * what the fault is.
 */
export function completeChat(work: Work): Completion {
  const { chat, prompt, encoding, cap, fault } = work
  const charge = (visible: number, reasoning: number) =>
    usageOf(prompt.tokens, (visible + reasoning) * chat.choices, work.cachedTokens, reasoning * chat.choices)
  if (fault?.kind === 'emptyByLength')
    return { content: '', refusal: null, finishReason: 'length', usage: charge(0, cap) }

  const reasoning = Math.min(cap, reasoningTokens(modelFamily(chat.model), chat.reasoningEffort, work.seed))
  if (fault?.kind === 'refusal') {
    const usage = charge(encoding.encode(refusalText).length, reasoning)
    return { content: null, refusal: refusalText, finishReason: 'stop', usage }
  }
  const ids = encoding.encode(spoil(writeAnswer(chat), fault, chat))
  const half = fault?.kind === 'cutByLength' || fault?.kind === 'contentFilteredOutput'
  const visible = Math.min(cap - reasoning, half ? Math.ceil(ids.length / 2) : ids.length)
  // A cut may fall inside a character of several tokens: what decodes to a replacement character is left out.
  const content =
    visible < ids.length ? encoding.decode(ids.slice(0, visible)).replace(/\uFFFD+$/, '') : encoding.decode(ids)
  const cut = visible < ids.length ? 'length' : 'stop'
  const finishReason = fault?.kind === 'contentFilteredOutput' ? 'content_filter' : cut
  return { content, refusal: null, finishReason, usage: charge(visible, reasoning) }
}

function spoil(text: string, fault: Fault | undefined, chat: ChatRequest): string {
  if (fault?.kind === 'schemaViolation') return '{"unexpected":"This member is in no schema."}'
  if (fault?.kind === 'says') return fault.text
  if (fault?.kind === 'tellsSystem') {
    const told = chat.messages.filter((message) => message.role === 'system').map(textOf)
    return `I was told: ${told.join('\n')}`
  }
  if (fault?.kind === 'fencedJson') return `\`\`\`json\n${text}\n\`\`\``
  return text
}

/** The body of a `chat.completion`; Azure's has the filter's verdicts in it. */
export function completionBody(
  id: string,
  createdAtMs: number,
  chat: ChatRequest,
  completion: Completion,
  dialect: Dialect,
  fault: Fault | undefined,
): Record<string, unknown> {
  const { content, refusal, finishReason, usage } = completion
  const verdict = completionVerdict(dialect, fault)
  const choice = (index: number) => ({
    index,
    message: { role: 'assistant', content, refusal, annotations: [] },
    logprobs: null,
    finish_reason: finishReason,
    ...verdict,
  })
  return {
    id,
    object: 'chat.completion',
    created: Math.floor(createdAtMs / 1000),
    model: chat.model,
    choices: fault?.kind === 'noChoices' ? [] : Array.from({ length: chat.choices }, (_, index) => choice(index)),
    usage,
    service_tier: chat.serviceTier,
    system_fingerprint: 'fp_demo',
    ...(dialect === 'azure'
      ? { prompt_filter_results: [{ prompt_index: 0, content_filter_results: promptVerdict(fault) }] }
      : {}),
  }
}

function promptVerdict(fault: Fault | undefined): Record<string, unknown> {
  const results = filterResults('prompt')
  return fault?.kind === 'attackAnnotated'
    ? { ...results, [fault.category]: { filtered: false, detected: true } }
    : results
}

function completionVerdict(dialect: Dialect, fault: Fault | undefined): Record<string, unknown> {
  if (fault?.kind === 'filterDown') return { content_filter_results: filterFailed }
  const hit = fault?.kind === 'contentFilteredOutput' ? (fault.category ?? 'violence') : undefined
  return dialect === 'azure' ? { content_filter_results: filterResults('completion', hit) } : {}
}
