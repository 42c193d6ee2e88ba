import { compareSequences, type DeadLetter } from './dead-letter.ts'
import type { DeadLetterQueue } from './dead-letter-queue.ts'
import { Grouping } from './groups.ts'
import { IdCollisions, type PlanLimits, planReplay, type ReplayPlan } from './plan.ts'
import { type Selection, selects } from './selection.ts'
import { readDeadLetters, type Survey, Surveyor } from './survey.ts'

export interface SelectedPlan extends ReplayPlan {
  /** What would move, in groups. */
  grouping: Grouping
  /** Sequence numbers that were named and are not there. */
  missing: string[]
  /** Everything up to here was looked at: what dies later is never picked up by this run. */
  cutoff: string
  survey: Survey
}

/** Looks at every dead letter once, without locking any, and plans what the selection moves. */
export async function selectAndPlan(
  queue: DeadLetterQueue,
  selection: Selection,
  limits: PlanLimits,
): Promise<SelectedPlan> {
  const selected: DeadLetter[] = []
  /** Place and state of every one, wanted or not: what taking needs to know. */
  const all: { sequence: string; state: DeadLetter['state'] }[] = []
  const collisions = new IdCollisions()
  await readDeadLetters(queue.pages(), (letter) => {
    collisions.add(letter)
    all.push({ sequence: letter.sequence, state: letter.state })
    if (selects(selection, letter)) selected.push(letter)
  })
  selected.sort((one, other) => compareSequences(one.sequence, other.sequence))
  const plan = planReplay(selected, limits, collisions.ambiguous)
  const planned = new Set(plan.moves.map((move) => move.sequence))
  const surveyor = new Surveyor()
  for (const one of all) surveyor.add(one, planned.has(one.sequence))
  const grouping = new Grouping()
  for (const letter of selected) if (planned.has(letter.sequence)) grouping.add(letter)
  const found = new Set(selected.map((letter) => letter.sequence))
  const missing = (selection.sequences ?? []).filter((sequence) => !found.has(sequence))
  return { ...plan, grouping, missing, cutoff: surveyor.survey.last, survey: surveyor.survey }
}
