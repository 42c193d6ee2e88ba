import type { ServiceBusReceivedMessage, ServiceBusSender } from '@azure/service-bus'
import { copyMessageId, messageProperties } from '../../shared/message-envelope.ts'
import type { Delivery } from './delivery.ts'

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

/** What a sender takes: the SDK's message, or the AMQP one where the body is no data section. */
type Sendable = Exclude<Parameters<ServiceBusSender['scheduleMessages']>[0], unknown[]>

/** A message to send that carries on what a received one says; `properties` are set over its own. */
export function copyOf(
  message: ServiceBusReceivedMessage,
  messageId: string,
  properties: Record<string, string | number>,
): Sendable {
  const applicationProperties = { ...message.applicationProperties, ...properties }
  for (const name of ['DeadLetterReason', 'DeadLetterErrorDescription']) delete applicationProperties[name]
  const { bodyType } = message._rawAmqpMessage
  if (bodyType === 'data' || bodyType === undefined) {
    return {
      // Receivers of this product skip the SDK's JSON parsing, so a data section's body is its bytes.
      body: message.body,
      messageId,
      applicationProperties,
      ...pick(message, 'contentType', 'correlationId', 'subject', 'to', 'replyTo', 'replyToSessionId', 'partitionKey'),
    }
  }
  return {
    body: message._rawAmqpMessage.body,
    bodyType,
    applicationProperties,
    properties: {
      messageId,
      ...pick(message, 'contentType', 'subject', 'to', 'replyTo'),
      ...(message.correlationId === undefined ? {} : { correlationId: message.correlationId }),
    },
  }
}

/** The members that are set; the SDK refuses some that are undefined. Time to live starts anew with the queue's default. */
function pick<K extends keyof ServiceBusReceivedMessage>(
  message: ServiceBusReceivedMessage,
  ...names: K[]
): Partial<Pick<ServiceBusReceivedMessage, K>> {
  const picked: Partial<Pick<ServiceBusReceivedMessage, K>> = {}
  for (const name of names) if (message[name] !== undefined) picked[name] = message[name]
  return picked
}
