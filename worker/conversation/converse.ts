import { countTokensInPieces } from '../budget/count-tokens.ts'
import { encodingOf } from '../budget/encodings/encoding.ts'
import type { Playbook, Turn } from '../playbooks/load-playbook.ts'
import type { RunProgress, StoredAnswer } from '../runs/run-store.ts'
import { cutToFit } from '../sentinel/cut-context.ts'
import { type IncidentContext, reducedContext } from '../sentinel/incident-context.ts'
import { promptScope } from '../untrusted/evidence-block.ts'
import { ContentRefusal } from './content-refusal.ts'
import type { FittedEvidence } from './fit-evidence.ts'
import type { ChatMessage, ModelRequest } from './model-client.ts'
import { PromptTooLong } from './prompt-too-long.ts'
import { mapTexts, readStructuredAnswer, SchemaViolation } from './structured-answer.ts'

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

/** How much of the incident is shown, and why it may be less than all. */
interface Evidence extends FittedEvidence {
  /** Without what the content filter may object to. */
  reduced: boolean
  /** Shorter, because the provider found it too long. */
  shortened: boolean
}

/** What is added to the question when the answer before it did not satisfy the schema; that answer is not handed back. */
const repairRequest = 'Your answer must be JSON that satisfies the schema, and nothing else: no fence, no other text.'

/** A completion's cap, of which a small budget leaves a share only. */
export const capOf = (turn: Turn, share: number) => Math.ceil(turn.maxCompletionTokens * share)

function canaryTold(): ContentRefusal {
  return new ContentRefusal(
    'CanaryReturned',
    'The model was made to tell its instructions, also with reduced evidence: somebody may have written commands into the incident, so review it by hand.',
    ['canary'],
  )
}

/**
 * Runs the conversation: exchanges that do not depend on each other side by side, since they share one prefix. Answers that
 * `progress` has already are not asked for again. An answer is given to `save` before what builds on it is given to `ask`,
 * which writes both at once before it sends anything.
 *
 * @throws Failure TokenBudgetExceeded before anything is asked; the first failure, after every call that was under way has ended: what is paid is saved
 */
export async function converse(parts: {
  playbook: Playbook
  model: string
  /** As much of the incident as its budget allows; what is shown already stays while that still fits. */
  fit: (now?: FittedEvidence) => Promise<FittedEvidence>
  progress: RunProgress
  ask: Ask
  save: (key: string, answer: StoredAnswer) => Promise<void>
  signal: AbortSignal
}): Promise<AnsweredExchange[]> {
  const { playbook, progress, signal } = parts
  const exchanges = planExchanges(playbook)
  let seen: Evidence = { ...(await parts.fit()), reduced: false, shortened: false }
  const { guard } = seen.shown
  const answered = new Map<Exchange, Promise<{ answer: AnsweredExchange['answer']; saved?: Promise<void> }>>()
  const fittedAfter = new Map<Exchange, Promise<void>>()

  async function answerTo(exchange: Exchange) {
    if (exchange.continues) {
      await answered.get(exchange.continues)
      await fitAfter(exchange.continues)
    }
    signal.throwIfAborted()
    const known = progress.answers.get(exchange.key)
    if (known) return { answer: read(known, exchange).answer }
    const { text, answer, fresh } = await askWithLessAndLess(exchange)
    const attackSigns = guard.attacks.size > 0 ? [...guard.attacks] : undefined
    return { answer, saved: parts.save(exchange.key, { ...fresh, text, ...(attackSigns ? { attackSigns } : {}) }) }
  }

  /** Retries may have cost what was planned for later, or the provider counts more than we do: less is shown from then on. */
  function fitAfter(exchange: Exchange): Promise<void> {
    const fitting = fittedAfter.get(exchange) ?? fitAgain()
    fittedAfter.set(exchange, fitting)
    return fitting
  }

  async function fitAgain(): Promise<void> {
    if (seen.reduced || seen.shortened) return
    // Where nothing fits any more, each call finds out for itself.
    const fitted = await parts.fit(seen).catch(() => seen)
    if (!seen.reduced && !seen.shortened) seen = { ...seen, ...fitted }
  }

  /** Once refused by the filter, and once found too long, it is asked again with less of the incident. */
  async function askWithLessAndLess(exchange: Exchange): ReturnType<typeof askWith> {
    for (let asked = seen; ; ) {
      try {
        return await askWith(asked, exchange)
      } catch (error) {
        const less = await lessOf(asked, exchange, error)
        if (!less) throw error
        asked = less
        // For the exchanges that follow too.
        seen = less
      }
    }
  }

  async function lessOf(asked: Evidence, exchange: Exchange, error: unknown): Promise<Evidence | undefined> {
    if (error instanceof ContentRefusal) {
      for (const sign of error.signs) guard.attacks.add(sign)
      return asked.reduced ? undefined : { ...asked, shown: reducedContext(asked.shown), reduced: true }
    }
    if (!(error instanceof PromptTooLong) || asked.shortened) return undefined
    const tokensOf = async (candidate: IncidentContext) => {
      const messages = transcriptOf(exchange, playbook, candidate, progress.answers)
      return await countTokensInPieces(messages.map((message) => message.content).join('\n'), encodingOf(parts.model))
    }
    const most = error.shareTaken(capOf(exchange.turn, asked.capShare)) * (await tokensOf(asked.shown))
    const shown = await cutToFit(
      asked.shown,
      playbook.priority,
      async (candidate) => (await tokensOf(candidate)) <= most,
    )
    return shown && { ...asked, shown, shortened: true }
  }

  /** Asks, and reads before anything is saved: an answer of no use would be found again at every later attempt. */
  async function askWith({ shown, capShare }: Evidence, exchange: Exchange) {
    const { turn } = exchange
    const request: ModelRequest = {
      model: parts.model,
      messages: transcriptOf(exchange, playbook, shown, progress.answers),
      maxCompletionTokens: capOf(turn, capShare),
      temperature: turn.temperature,
      reasoningEffort: turn.reasoningEffort,
      schema: turn.schema?.json,
    }
    const fresh = await parts.ask(request, exchange, signal)
    try {
      return { ...read(fresh, exchange), fresh }
    } catch (error) {
      if (!(error instanceof SchemaViolation)) throw error
      const messages: ChatMessage[] = [...request.messages, { role: 'user', content: repairRequest }]
      const repaired = await parts.ask({ ...request, messages }, exchange, signal)
      return { ...read(repaired, exchange), fresh: repaired }
    }
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

  for (const exchange of exchanges) answered.set(exchange, answerTo(exchange))
  const settled = await Promise.allSettled(
    [...answered].map(async ([exchange, one]) => {
      const { answer, saved } = await one
      await saved
      return { exchange, answer }
    }),
  )
  return settled.map((one) => {
    if (one.status === 'rejected') throw one.reason
    return one.value
  })
}
