import type { Clock } from '../../shared/clock.ts'
import type { DeadLetterQueue } from './dead-letter-queue.ts'
import type { Journal } from './journal.ts'
import { type FirstHalf, moveDeadLetters } from './move.ts'
import { Pace, type PaceOptions } from './pace.ts'
import { type Survey, surveyWanted } from './survey.ts'
import { Taker } from './taker.ts'

/** What became of the planned ones, by what the queue shows afterwards rather than by what was believed. */
export interface MoveOutcome {
  moved: number
  /** Somebody else took them: they are not there any more, and this run did nothing with them. */
  gone: number
  /** Still there: locked by somebody else, or the run was stopped before. */
  remaining: number
  /** Of `remaining`: the copy is sent (the line exported), only the original is still there. */
  halfDone: number
  /** Refused by the queue, by code: they are still there. */
  failed: Map<string, number>
}

export interface RunMovesParts<Item extends { sequence: string }> {
  queue: DeadLetterQueue
  journal: Journal<Item>
  /** Of the look that made the plan, so that the first pass needs no other. */
  survey: Survey | undefined
  pace: PaceOptions
  first: FirstHalf<Item>
  /** Called after each portion, with all that are completed so far; true ends the run. */
  onPortion(moved: readonly Item[]): boolean
  clock: Clock
  signal: AbortSignal
}

/**
 * A settlement whose lock had ended, or a connection that was lost, is made up for by another pass; a lock of somebody else
 * outlasts them all. Counted are passes in a row that complete nothing.
 */
const maxIdlePasses = 2
/** Before a pass that follows an error. */
const afterErrorMs = 1_000

/** Moves everything the journal plans and has not completed, and then looks what is true. */
export async function runMoves<Item extends { sequence: string }>(parts: RunMovesParts<Item>): Promise<MoveOutcome> {
  const { queue, journal, clock, signal } = parts
  const pace = new Pace(parts.pace, clock)
  const refused = new Map<string, string>()
  const look = () => surveyWanted(queue.pages(), new Set(journal.items.map((item) => item.sequence)))
  let survey = parts.survey ?? (await look())
  let stopped = false
  for (let idlePasses = 0; idlePasses < maxIdlePasses && !stopped && !signal.aborted; ) {
    const before = journal.completed.size
    const present = presentIn(survey)
    const wanted = new Map(
      journal.items
        .filter(({ sequence }) => present.has(sequence) && !refused.has(sequence))
        .map((item) => [item.sequence, item]),
    )
    if (wanted.size === 0) break
    const taker = new Taker(queue, survey, isFullSpeed(parts.pace))
    try {
      const failed = await moveDeadLetters({
        taker,
        journal,
        wanted,
        pace,
        first: parts.first,
        onPortion: (moved) => {
          stopped ||= parts.onPortion(moved)
          return stopped
        },
        signal,
      })
      for (const [sequence, code] of failed) refused.set(sequence, code)
    } catch (error) {
      if (signal.aborted) break
      if (journal.completed.size === before && idlePasses + 1 >= maxIdlePasses) throw error
      await clock.sleep(afterErrorMs, signal).catch(() => undefined)
    } finally {
      await taker.close()
    }
    idlePasses = journal.completed.size === before ? idlePasses + 1 : 0
    survey = await look()
  }
  const present = presentIn(stopped || signal.aborted ? await look() : survey)
  return judge(journal, present, refused)
}

/** Locks last 5 s at least, and the ramp has nine steps: it may not be what a message waits for while it is locked. */
function isFullSpeed({ ratePerSecond, stepMs }: PaceOptions): boolean {
  return ratePerSecond === undefined && stepMs <= 500
}

function judge(
  journal: Journal<{ sequence: string }>,
  present: ReadonlySet<string>,
  refused: ReadonlyMap<string, string>,
): MoveOutcome {
  const outcome: MoveOutcome = { moved: 0, gone: 0, remaining: 0, halfDone: 0, failed: new Map() }
  for (const { sequence } of journal.items) {
    const code = refused.get(sequence)
    const sent = journal.sent.has(sequence)
    if (!present.has(sequence)) {
      if (sent) outcome.moved++
      else outcome.gone++
    } else if (code !== undefined) outcome.failed.set(code, (outcome.failed.get(code) ?? 0) + 1)
    else {
      outcome.remaining++
      if (sent) outcome.halfDone++
    }
  }
  return outcome
}

function presentIn({ active, deferred }: Survey): Set<string> {
  return new Set([...active, ...deferred])
}
