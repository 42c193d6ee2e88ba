import { originOf, replayMessageId } from '../../shared/message-envelope.ts'
import type { DeadLetter } from './dead-letter.ts'

/** One dead letter that is to be moved, and as what. Everything a resumed run needs to do the very same again. */
export interface PlannedMove {
  sequence: string
  /** The copy's message id, origin and replay counter. */
  id: string
  origin: string
  replays: number
}

export interface ReplayPlan {
  moves: PlannedMove[]
  /** Replayed too often already: left where they are. */
  atCeiling: DeadLetter[]
  /** Selected, but beyond `limit`. */
  beyondLimit: number
}

export interface PlanLimits {
  limit: number | undefined
  /** A message that was replayed this often is left alone. */
  maxReplays: number
}

/**
 * Decides what moves, from the selected dead letters in order of their sequence numbers. Pure.
 *
 * The copy's id is `<origin>~r<replays>`: the same at every attempt, so that duplicate detection absorbs what a crash
 * repeats. Two different messages may have the same id, of a producer that repeats its ids; then duplicate detection would
 * drop the second's copy, and completing the original would lose it. Their origins get the sequence number.
 *
 * @param ambiguous ids that more than one dead letter would get, selected or not: the other one may be replayed next
 */
export function planReplay(
  selected: readonly DeadLetter[],
  limits: PlanLimits,
  ambiguous: ReadonlySet<string> = ambiguousIds(selected),
): ReplayPlan {
  const below = selected.filter((letter) => letter.replays < limits.maxReplays)
  const moves = below.map((letter): PlannedMove => {
    const replays = letter.replays + 1
    const distinct = letter.origin === '' || ambiguous.has(replayMessageId(letter.origin, replays))
    const origin = distinct ? originOf(`${letter.origin || 'message'}@${letter.sequence}`, undefined) : letter.origin
    return { sequence: letter.sequence, id: replayMessageId(origin, replays), origin, replays }
  })
  const limit = limits.limit ?? moves.length
  return {
    moves: moves.slice(0, limit),
    atCeiling: selected.filter((letter) => letter.replays >= limits.maxReplays),
    beyondLimit: Math.max(0, moves.length - limit),
  }
}

/** Finds the ids that copies of different incidents, or of messages that name none, would share. */
export class IdCollisions {
  readonly #subjects = new Map<string, string>()
  readonly ambiguous = new Set<string>()

  add(letter: DeadLetter): void {
    const id = replayMessageId(letter.origin, letter.replays + 1)
    const subject =
      letter.incident === undefined ? letter.sequence : `${letter.workspace}/${letter.incident}`.toLowerCase()
    const known = this.#subjects.get(id)
    if (known === undefined) this.#subjects.set(id, subject)
    else if (known !== subject) this.ambiguous.add(id)
  }
}

function ambiguousIds(letters: readonly DeadLetter[]): Set<string> {
  const collisions = new IdCollisions()
  for (const letter of letters) collisions.add(letter)
  return collisions.ambiguous
}
