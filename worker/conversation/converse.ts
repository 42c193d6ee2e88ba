import type { Playbook, Turn } from '../playbooks/load-playbook.ts'
import type { RunProgress, StoredAnswer } from '../runs/run-store.ts'
import { type IncidentContext, reducedContext } from '../sentinel/incident-context.ts'
import { promptScope } from '../untrusted/evidence-block.ts'
import { ContentRefusal } from './content-refusal.ts'
import type { ChatMessage, ModelRequest } from './model-client.ts'
import { mapTexts, readStructuredAnswer } from './structured-answer.ts'

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
  const { guard } = incident
  const scope = promptScope(incident, playbook)
  const turns: ChatMessage[] = []
  for (let one: Exchange | undefined = exchange; one; one = one.continues) {
    const question = guard.seal(one.turn.prompt.render({ ...scope, step: one.step }))
    const answer = one === exchange ? undefined : answers.get(one.key)?.text
    turns.unshift(
      { role: 'user', content: question },
      ...(answer === undefined ? [] : [{ role: 'assistant' as const, content: answer }]),
    )
  }
  return [{ role: 'system', content: guard.sealSystem(playbook.system.render(scope)) }, ...turns]
}

function canaryTold(): ContentRefusal {
  return new ContentRefusal(
    'CanaryReturned',
    'The model was made to tell its instructions, also with reduced evidence: somebody may have written commands into the incident, so review it by hand.',
    ['canary'],
  )
}

/**
 * Runs the conversation: exchanges that do not depend on each other side by side, since they share one prefix. Each
 * answer goes to `save` before `ask` is told anything that is built on it. Answers that `progress` has already are not asked for again.
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
  const { guard } = incident
  const reduced = reducedContext(incident)
  let seen = incident
  /** Whether an exchange is answered, which is before its answer is kept. */
  const answered = new Map<Exchange, PromiseWithResolvers<void>>()

  async function run(exchange: Exchange): Promise<AnsweredExchange> {
    // Its answer and what the next calls reserve are kept by one write, before any of those is sent.
    if (exchange.continues) await answered.get(exchange.continues)?.promise
    signal.throwIfAborted()
    const known = progress.answers.get(exchange.key)
    if (known) {
      const { answer } = read(known, exchange)
      answered.get(exchange)?.resolve()
      return { exchange, answer }
    }
    const asked = seen
    const { text, answer, fresh } = await askWith(asked, exchange).catch((error: unknown) => {
      if (!(error instanceof ContentRefusal)) throw error
      for (const sign of error.signs) guard.attacks.add(sign)
      // Refused once: the texts that can have caused it are left out, for the exchanges that follow too.
      if (asked !== incident) throw error
      seen = reduced
      return askWith(reduced, exchange)
    })
    const attackSigns = guard.attacks.size > 0 ? [...guard.attacks] : undefined
    const saved = parts.save(exchange.key, { ...fresh, text, ...(attackSigns ? { attackSigns } : {}) })
    answered.get(exchange)?.resolve()
    await saved
    return { exchange, answer }
  }

  /** Asks, and reads before anything is saved: an answer of no use would be found again at every later attempt. */
  async function askWith(evidence: IncidentContext, exchange: Exchange) {
    const { turn } = exchange
    const request: ModelRequest = {
      model: parts.model,
      messages: transcriptOf(exchange, playbook, evidence, progress.answers),
      maxCompletionTokens: turn.maxCompletionTokens,
      temperature: turn.temperature,
      reasoningEffort: turn.reasoningEffort,
      schema: turn.schema?.json,
    }
    const fresh = await parts.ask(request, exchange, signal)
    return { ...read(fresh, exchange), fresh }
  }

  /** The answer as it may be kept and built on: clean, and where the turn has a schema, parsed and nothing but what was parsed. */
  function read(given: StoredAnswer, { turn }: Exchange): { text: string; answer: AnsweredExchange['answer'] } {
    for (const sign of given.attackSigns ?? []) guard.attacks.add(sign)
    if (guard.tellsCanary(given.text)) throw canaryTold()
    const clean = (text: string) => guard.cleanAnswer(text)
    if (!turn.schema) {
      const text = clean(given.text)
      return { text, answer: text }
    }
    const parsed = readStructuredAnswer(guard.bounded(given.text), turn.schema.check)
    const answer = mapTexts(parsed, clean) as Record<string, unknown>
    return { text: JSON.stringify(answer), answer }
  }

  const runs = exchanges.map((exchange) => {
    const known = Promise.withResolvers<void>()
    answered.set(exchange, known)
    const running = run(exchange)
    // Those that continue it fail with it.
    running.catch(known.reject)
    known.promise.catch(() => undefined)
    return running
  })
  const settled = await Promise.allSettled(runs)
  return settled.map((one) => {
    if (one.status === 'rejected') throw one.reason
    return one.value
  })
}
