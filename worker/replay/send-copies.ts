import type { ServiceBusMessageBatch, ServiceBusReceivedMessage, ServiceBusSender } from '@azure/service-bus'
import type { Clock } from '../../shared/clock.ts'
import { codeOf } from '../pump/settlement.ts'
import type { PlannedMove } from './plan.ts'
import { replayCopy } from './replay-copy.ts'

export interface Copied {
  move: PlannedMove
  message: ServiceBusReceivedMessage
}

/** Codes that speak of the queue rather than of a message: the same copies are sent again, under the same ids. */
const passing =
  /^(ServiceBusy|ServiceTimeout|ServiceUnavailable|ServiceCommunicationProblem|ECONN\w+|ENOTFOUND|EPIPE|ETIMEDOUT|GeneralError)$/
const patienceMs = [500, 1_000, 2_000, 4_000, 8_000]

/**
 * Sends the copies, many at once, and tells which are sent after each batch. @returns the sequence numbers whose copies the queue refuses, with its code
 * @throws what the SDK throws when the queue cannot be reached for a quarter of a minute
 */
export async function sendCopies(
  copied: readonly Copied[],
  sender: ServiceBusSender,
  clock: Clock,
  signal: AbortSignal,
  onSent: (sequences: readonly string[]) => void,
): Promise<Map<string, string>> {
  const refused = new Map<string, string>()
  if (copied.length === 0) return refused
  const patiently = async <T>(send: () => Promise<T>): Promise<T> => {
    for (let tries = 0; ; tries++) {
      try {
        return await send()
      } catch (error) {
        const waitMs = patienceMs[tries]
        if (!passing.test(codeOf(error)) || waitMs === undefined) throw error
        await clock.sleep(waitMs, signal)
      }
    }
  }
  const alone = async ({ move, message }: Copied): Promise<void> => {
    try {
      await patiently(() => sender.sendMessages(replayCopy(message, move)))
      onSent([move.sequence])
    } catch (error) {
      if (passing.test(codeOf(error)) || signal.aborted) throw error
      refused.set(move.sequence, codeOf(error))
    }
  }
  const together = async (batch: ServiceBusMessageBatch, members: readonly Copied[]): Promise<void> => {
    try {
      await patiently(() => sender.sendMessages(batch))
      onSent(members.map(({ move }) => move.sequence))
    } catch (error) {
      if (passing.test(codeOf(error)) || signal.aborted) throw error
      // All of a batch or nothing: one that the queue refuses must not keep back its neighbours.
      for (const one of members) await alone(one)
    }
  }

  let batch = await patiently(() => sender.createMessageBatch())
  let members: Copied[] = []
  for (const one of copied) {
    const copy = replayCopy(one.message, one.move)
    if (!batch.tryAddMessage(copy)) {
      if (members.length > 0) await together(batch, members)
      batch = await patiently(() => sender.createMessageBatch())
      members = []
      if (!batch.tryAddMessage(copy)) {
        await alone(one)
        continue
      }
    }
    members.push(one)
  }
  if (members.length > 0) await together(batch, members)
  return refused
}
