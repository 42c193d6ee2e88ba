import type { ServiceBusSender } from '@azure/service-bus'
import { copyMessageId, messageProperties } from '../../shared/message-envelope.ts'
import type { Delivery } from './delivery.ts'
import { copyOf } from './message-copy.ts'

/**
 * Puts a copy of the message back, to be delivered after `delayMs`. Its id is made of the first message's id and the number
 * of copies, so the same step made again after a crash is the same message to duplicate detection. Everything else is as it
 * was: body bytes, content type, the sender's own properties.
 *
 * @param trace the properties by which the copy carries the trace on
 * @throws what the SDK throws; the original is then still locked
 */
export async function rescheduleDelivery(
  delivery: Delivery,
  delayMs: number,
  attempt: number,
  sender: ServiceBusSender,
  now: number,
  trace: Record<string, string> = {},
): Promise<void> {
  const copies = delivery.copies + 1
  const copy = copyOf(delivery.message, copyMessageId(delivery.origin, copies), {
    [messageProperties.attempt]: attempt,
    [messageProperties.copies]: copies,
    [messageProperties.origin]: delivery.origin,
    ...trace,
  })
  await sender.scheduleMessages(copy, new Date(now + delayMs))
}
