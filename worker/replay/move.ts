import type { ServiceBusReceivedMessage } from '@azure/service-bus'
import type { Journal } from './journal.ts'
import type { Pace } from './pace.ts'
import type { Taken, Taker } from './taker.ts'

/**
 * The half of a move that comes before the original is completed: sending the copy, or exporting.
 *
 * @param done called with sequence numbers as soon as their half is done, so that the journal knows before anything else fails
 * @returns those that are refused, with the code
 */
export type FirstHalf<Item> = (
  batch: { item: Item; message: ServiceBusReceivedMessage }[],
  done: (sequences: readonly string[]) => void,
) => Promise<ReadonlyMap<string, string>>

export interface MoveParts<Item extends { sequence: string }> {
  taker: Taker
  journal: Journal<Item>
  /** By sequence number, without those that are completed. */
  wanted: ReadonlyMap<string, Item>
  pace: Pace
  first: FirstHalf<Item>
  /** Called after each portion; true ends the run. */
  onPortion(moved: readonly Item[]): boolean
  signal: AbortSignal
}

/**
 * Moves the wanted dead letters: first half, journal, complete, journal. A kill between any two leaves every message in at
 * least one place, and the same command goes on from there.
 *
 * @returns those that the first half refused, by sequence number, with the code
 */
export async function moveDeadLetters<Item extends { sequence: string }>(
  parts: MoveParts<Item>,
): Promise<Map<string, string>> {
  const { taker, pace, signal } = parts
  const refused = new Map<string, string>()
  let left = parts.wanted.size
  let over = false
  // The next portion is taken while this one is settled; portions never overtake each other.
  let settling: Promise<void> = Promise.resolve()
  try {
    while (left > 0 && !over && !signal.aborted) {
      const count = await pace.next(left, signal)
      const taken = await taker.take(count, signal)
      await settling
      if (taken.length === 0) break
      left -= taken.length
      settling = movePortion(taken, parts, refused).then((moved) => {
        over = parts.onPortion(moved)
      })
      settling.catch(() => undefined)
    }
  } catch (error) {
    if (!signal.aborted) throw error
  } finally {
    await settling.catch(() => undefined)
  }
  await settling
  return refused
}

async function movePortion<Item extends { sequence: string }>(
  taken: Taken[],
  { journal, wanted, first }: MoveParts<Item>,
  refused: Map<string, string>,
): Promise<Item[]> {
  const fresh = taken.flatMap(({ message, sequence }) => {
    const item = wanted.get(sequence)
    return item && !journal.sent.has(sequence) ? [{ item, message }] : []
  })
  try {
    const failed = await first(fresh, (sequences) => journal.record('sent', sequences))
    for (const [sequence, code] of failed) refused.set(sequence, code)
  } catch (error) {
    // What was sent before is completed by the next pass, or the next run.
    await Promise.all(taken.map((one) => one.settle({ settle: 'abandon' })))
    throw error
  }
  const results = await Promise.all(
    taken.map(async (one) => {
      const sent = journal.sent.has(one.sequence)
      const { settled } = await one.settle({ settle: sent ? 'complete' : 'abandon' })
      return sent && settled ? one.sequence : undefined
    }),
  )
  const completed = results.filter((sequence) => sequence !== undefined)
  journal.record('completed', completed)
  return completed.flatMap((sequence) => wanted.get(sequence) ?? [])
}
