import type { Clock } from '../../shared/clock.ts'
import { asFailure, Failure } from '../../shared/failure.ts'

/** A run of minutes is a slow model; one that takes longer than this is stuck, and its slot is needed. */
export const defaultSlotBoundMs = 10 * 60_000
/** How long a run may take to notice that it was aborted, before its slot is freed without it. */
const abortPatienceMs = 5_000

/**
 * Runs `work` until it ends, or until it has been told to end and does not: by one of `ends`, or because it took longer than
 * `boundMs`. Then what `giveUp` makes of the reason is the result, and the slot is free although the work may still hang.
 */
export async function runWithinBound<T>(parts: {
  work(signal: AbortSignal): Promise<T>
  giveUp(reason: Failure): T
  ends: readonly AbortSignal[]
  boundMs: number
  clock: Clock
}): Promise<T> {
  const { work, giveUp, ends, boundMs, clock } = parts
  const bound = new AbortController()
  const over = new AbortController()
  const signal = AbortSignal.any([...ends, bound.signal])
  const overdue = async (): Promise<T> => {
    const aborted = new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }))
    await Promise.race([aborted, clock.sleep(boundMs, over.signal)])
    bound.abort(stuck(boundMs))
    await clock.sleep(abortPatienceMs, over.signal)
    return giveUp(asFailure(signal.reason))
  }
  try {
    return await Promise.race([work(signal), overdue()])
  } finally {
    over.abort(runIsOver)
    // A combined signal that anybody still listens to is never collected, and the openai client never stops listening.
    bound.abort(runIsOver)
  }
}

const runIsOver = new Failure('The run is over.', { kind: 'interrupted', dependency: 'worker', code: 'RunIsOver' })

function stuck(afterMs: number): Failure {
  return new Failure(`The run took longer than ${Math.round(afterMs / 1000)} seconds; its slot was needed.`, {
    kind: 'unexpected',
    dependency: 'worker',
    code: 'SlotBound',
  })
}
