import type { ServiceBusReceivedMessage, ServiceBusReceiver } from '@azure/service-bus'
import Long from 'long'

/** The service answers fewer when they are large; a page that is not full is no end. */
const pageSize = 256

/**
 * All dead letters by their sequence numbers, page by page, without locking any. It ends with the first empty page: what
 * dies meanwhile has higher numbers, and may or may not be among them.
 *
 * @param from the first sequence number to look at
 */
export async function* peekDeadLetters(
  receiver: ServiceBusReceiver,
  from = '0',
  abortSignal?: AbortSignal,
): AsyncGenerator<ServiceBusReceivedMessage[]> {
  for (let fromSequenceNumber = Long.fromString(from); ; ) {
    const page = await receiver.peekMessages(
      pageSize,
      abortSignal ? { fromSequenceNumber, abortSignal } : { fromSequenceNumber },
    )
    const last = page.at(-1)?.sequenceNumber
    if (!last) return
    yield page
    fromSequenceNumber = last.add(1)
  }
}
