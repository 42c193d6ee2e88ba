import type { Playbook, Turn } from '../playbooks/load-playbook.ts'
import type { RunProgress, StoredAnswer } from '../runs/run-store.ts'
import type { IncidentContext } from '../sentinel/incident-context.ts'
import type { ChatMessage, ModelRequest } from './model-client.ts'
import { readStructuredAnswer } from './structured-answer.ts'

/** One completion of the conversation: a turn, or a turn's step. `key` is `<turn>/<step>`, steps counting from 1. */
export interface Exchange {
  key: string
  turn: Turn
  step: number
  /** Asked before this one, and handed back to the model in front of it. */
  continues: Exchange | undefined
}

/** An exchange with its answer; `answer` is the text, or the parsed object where the turn has a schema. */
export interface AnsweredExchange {
  exchange: Exchange
  answer: string | Record<string, unknown>
}

/** Gets one answer: within the budgets, with retries. Provided by whoever owns them. */
export type Ask = (request: ModelRequest, exchange: Exchange, signal: AbortSignal) => Promise<StoredAnswer>

/** The conversation as the playbook lays it out: every turn in order, a turn with `forEachStep` once per step. */
export function planExchanges(playbook: Playbook): Exchange[] {
  const exchanges: Exchange[] = []
  for (const turn of playbook.turns) {
    const continues = exchanges.find((one) => one.turn.name === turn.continues)
    const steps = turn.forEachStep ? playbook.steps : 1
    for (let step = 1; step <= steps; step++) exchanges.push({ key: `${turn.name}/${step}`, turn, step, continues })
  }
  return exchanges
}

/** Renders what an exchange sends: system, then what it continues (question and answer), then its own question. */
export function transcriptOf(
  exchange: Exchange,
  playbook: Playbook,
  incident: IncidentContext,
  answers: ReadonlyMap<string, StoredAnswer>,
): ChatMessage[] {
  const scope = { incident, steps: playbook.steps }
  const turns: ChatMessage[] = []
  for (let one: Exchange | undefined = exchange; one; one = one.continues) {
    const question = one.turn.prompt.render({ ...scope, step: one.step })
    const answer = one === exchange ? undefined : answers.get(one.key)?.text
    turns.unshift(
      { role: 'user', content: question },
      ...(answer === undefined ? [] : [{ role: 'assistant' as const, content: answer }]),
    )
  }
  return [{ role: 'system', content: playbook.system.render(scope) }, ...turns]
}

/**
 * Runs the conversation: exchanges that do not depend on each other side by side, since they share one prefix. Each
 * answer goes to `save` before anything is built on it. Answers that `progress` has already are not asked for again.
 *
 * @throws the first failure, after every call that was under way has ended: what is paid is saved
 */
export async function converse(parts: {
  playbook: Playbook
  model: string
  incident: IncidentContext
  progress: RunProgress
  ask: Ask
  save: (key: string, answer: StoredAnswer) => Promise<void>
  signal: AbortSignal
}): Promise<AnsweredExchange[]> {
  const { playbook, incident, progress, signal } = parts
  const exchanges = planExchanges(playbook)
  const pending = new Map<Exchange, Promise<AnsweredExchange>>()

  async function run(exchange: Exchange): Promise<AnsweredExchange> {
    if (exchange.continues) await pending.get(exchange.continues)
    signal.throwIfAborted()
    const { schema } = exchange.turn
    const read = (text: string) => (schema ? readStructuredAnswer(text, schema.check) : text)
    const known = progress.answers.get(exchange.key)
    if (known) return { exchange, answer: read(known.text) }
    const request: ModelRequest = {
      model: parts.model,
      messages: transcriptOf(exchange, playbook, incident, progress.answers),
      maxCompletionTokens: exchange.turn.maxCompletionTokens,
      temperature: exchange.turn.temperature,
      reasoningEffort: exchange.turn.reasoningEffort,
      schema: schema?.json,
    }
    const fresh = await parts.ask(request, exchange, signal)
    // Read before it is saved: an answer that violates its schema would be found again at every later attempt.
    const answer = read(fresh.text)
    await parts.save(exchange.key, fresh)
    return { exchange, answer }
  }

  for (const exchange of exchanges) pending.set(exchange, run(exchange))
  const settled = await Promise.allSettled(pending.values())
  return settled.map((one) => {
    if (one.status === 'rejected') throw one.reason
    return one.value
  })
}
