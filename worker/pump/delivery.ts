import type { ServiceBusReceivedMessage, ServiceBusReceiver } from '@azure/service-bus'
import { counterOf, messageProperties, originOf } from '../../shared/message-envelope.ts'

/** A message as the SDK hands it over, with the receiver whose link it came by. */
export interface Delivery {
  message: ServiceBusReceivedMessage
  receiver: ServiceBusReceiver
  receivedAtMs: number
  /** The place in the queue, as text: the same for every redelivery of the same message. */
  sequence: string
  messageId: string
  /** The first message's id; copies and replays carry it on. */
  origin: string
  /** Failed attempts so far. */
  attempt: number
  /** Delayed copies so far. */
  copies: number
}

/** Reads the counters that the product put on the message; a foreign message has none. */
export function readDelivery(message: ServiceBusReceivedMessage, receiver: ServiceBusReceiver, now: number): Delivery {
  const properties = message.applicationProperties ?? {}
  const messageId = message.messageId == null ? '' : String(message.messageId)
  return {
    message,
    receiver,
    receivedAtMs: now,
    sequence: message.sequenceNumber?.toString() ?? '',
    messageId,
    origin: originOf(messageId, properties[messageProperties.origin]),
    attempt: counterOf(properties[messageProperties.attempt]),
    copies: counterOf(properties[messageProperties.copies]),
  }
}
