import { countPromptTokens, TokenCounter } from '../budget/count-tokens.ts'
import { estimateCostUsd } from '../budget/prices.ts'
import { capOf, planExchanges, transcriptOf } from '../conversation/converse.ts'
import type { FittedEvidence } from '../conversation/fit-evidence.ts'
import type { ChatMessage } from '../conversation/model-client.ts'
import type { StoredAnswer } from '../runs/run-store.ts'
import { type LeftOut, leftOut } from '../sentinel/cut-context.ts'
import type { Playbook } from './load-playbook.ts'

/** One call as it would be made. */
export interface PreviewedCall {
  key: string
  messages: ChatMessage[]
  /** Counted, with nothing for answers of earlier calls. */
  promptTokens: number
  /** What answers of earlier calls can add at most. */
  earlierAnswerTokens: number
  maxCompletionTokens: number
}

export interface Preview {
  model: string
  calls: PreviewedCall[]
  /** What of the incident is not shown, so that the conversation fits its tokens. */
  leftOut: LeftOut[]
  /** Over all calls, every answer as long as allowed. */
  mostPromptTokens: number
  mostCompletionTokens: number
  /** Undefined where the model's price is not known. */
  mostUsd: number | undefined
}

/** Stands where an answer of the model will be: it is not asked. */
const placeholder = (key: string) => `[the model's answer to ${key}]`

/** What a playbook would send for an incident, message by message, without asking anything. Pure. */
export function previewPlaybook(playbook: Playbook, model: string, { shown, capShare }: FittedEvidence): Preview {
  const exchanges = planExchanges(playbook)
  const answers = new Map<string, StoredAnswer>(
    exchanges.map(({ key }) => [
      key,
      { text: placeholder(key), promptTokens: 0, completionTokens: 0, cachedTokens: 0 },
    ]),
  )
  const counter = new TokenCounter(model)
  const calls = exchanges.map((exchange): PreviewedCall => {
    const messages = transcriptOf(exchange, playbook, shown, answers)
    const asked = messages.map((message) => (message.role === 'assistant' ? { ...message, content: '' } : message))
    let earlierAnswerTokens = 0
    for (let one = exchange.continues; one; one = one.continues) earlierAnswerTokens += capOf(one.turn, capShare)
    return {
      key: exchange.key,
      messages,
      promptTokens: countPromptTokens(asked, exchange.turn.schema?.json, counter),
      earlierAnswerTokens,
      maxCompletionTokens: capOf(exchange.turn, capShare),
    }
  })
  const sum = (value: (call: PreviewedCall) => number) => calls.reduce((total, call) => total + value(call), 0)
  const mostPromptTokens = sum((call) => call.promptTokens + call.earlierAnswerTokens)
  const mostCompletionTokens = sum((call) => call.maxCompletionTokens)
  const mostUsd = estimateCostUsd(model, mostPromptTokens, mostCompletionTokens)
  return { model, calls, leftOut: leftOut(shown), mostPromptTokens, mostCompletionTokens, mostUsd }
}
