import Long from 'long'
import type { Clock } from '../../shared/clock.ts'
import type { QueueConnection } from './queue-connection.ts'

const lookEveryMs = 500
const pageSize = 256
const answerWithinMs = 4_000

/**
 * Resolves once the queue has been empty for `idleMs`: nothing in flight here, and nothing active in the queue, locked ones
 * of other replicas included. Copies that are scheduled for later do not count: they become active in their time, and
 * whoever starts workers by the queue's length starts one then.
 */
export async function whenIdle(
  parts: { connection: QueueConnection; inFlight(): number; clock: Clock },
  idleMs: number,
  signal: AbortSignal,
): Promise<void> {
  const { connection, inFlight, clock } = parts
  let emptySince: number | undefined
  for (;;) {
    const empty = inFlight() === 0 && !(await hasActive(connection, signal)) && inFlight() === 0
    if (!empty) emptySince = undefined
    else {
      emptySince ??= clock.now()
      if (clock.now() - emptySince >= idleMs) return
    }
    await clock.sleep(Math.max(20, Math.min(lookEveryMs, idleMs / 4)), signal)
  }
}

/** A queue that does not answer is not known to be empty. */
async function hasActive(connection: QueueConnection, signal: AbortSignal): Promise<boolean> {
  try {
    for (let from = Long.ZERO; ; ) {
      const page = await connection.peekFirst(
        pageSize,
        AbortSignal.any([signal, AbortSignal.timeout(answerWithinMs)]),
        from,
      )
      const last = page.at(-1)?.sequenceNumber
      if (!last) return false
      if (page.some((message) => message.state === 'active')) return true
      from = last.add(1)
    }
  } catch {
    return true
  }
}
