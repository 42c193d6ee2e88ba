import type { EventContext, Receiver } from 'rhea'
import { BrokerError, messageTooLarge, serverBusy } from './broker-error.ts'
import type { FaultState } from './fault-state.ts'
import { messagesOf, readMessage } from './message-codec.ts'
import type { Queue } from './queue.ts'
import { accept, linkInternals, rawBytesOf, reject } from './rhea-internals.ts'

/** A client's sender: messages come in and are accepted, or rejected with the reason. */
export function serveSender(receiver: Receiver, queue: Queue, faults: FaultState): void {
  // The client sizes its batches by this.
  linkInternals(receiver).local.attach.max_message_size = queue.settings.maxMessageBytes
  receiver.on('message', (context: EventContext) => {
    const { delivery } = context
    if (!delivery) return
    try {
      if (faults.busy) throw serverBusy()
      takeIn(context, queue)
      accept(delivery)
    } catch (error) {
      if (!(error instanceof BrokerError)) throw error
      reject(delivery, error)
    }
  })
}

function takeIn(context: EventContext, queue: Queue): void {
  const { format = 0, message } = context as unknown as { format?: number; message: object }
  const bytes = format === 0 ? rawBytesOf(message) : (message as Buffer)
  const limit = queue.settings.maxMessageBytes
  if (bytes.length > limit) throw messageTooLarge(bytes.length, limit)
  // All of a batch or nothing: each is read before the first is taken in.
  for (const received of messagesOf(bytes, format).map(readMessage)) queue.accept(received)
}
