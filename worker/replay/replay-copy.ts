import type { ServiceBusReceivedMessage } from '@azure/service-bus'
import { messageProperties } from '../../shared/message-envelope.ts'

type AmqpAnnotatedMessage = ServiceBusReceivedMessage['_rawAmqpMessage']

/** What the broker, or the worker, wrote on the dead letter about its death; the copy lives. */
const deathProperties = [
  'DeadLetterReason',
  'DeadLetterErrorDescription',
  messageProperties.dependency,
  messageProperties.errorCode,
  messageProperties.failedAt,
  messageProperties.attempt,
]
/** The sender's annotations go along, the broker's own do not: an old scheduled time, for one, would be obeyed. */
const senderAnnotations = new Set(['x-opt-partition-key', 'x-opt-via-partition-key'])

/**
 * The message to send for a dead letter: body bytes and section, content type and encoding, correlation, the sender's own
 * properties and annotations are as they were. The attempt counter starts anew; the counters that make
 * message ids only grow, so no id of this message is used twice.
 */
export function replayCopy(
  message: ServiceBusReceivedMessage,
  move: { id: string; origin: string; replays: number },
): AmqpAnnotatedMessage {
  const { header, properties, messageAnnotations, bodyType } = message._rawAmqpMessage
  const applicationProperties: Record<string, unknown> = { ...message.applicationProperties }
  for (const name of deathProperties) delete applicationProperties[name]
  applicationProperties[messageProperties.origin] = move.origin
  applicationProperties[messageProperties.replays] = move.replays
  const annotations = Object.entries(messageAnnotations ?? {}).filter(
    ([name]) => !name.startsWith('x-opt-') || senderAnnotations.has(name),
  )
  const { absoluteExpiryTime: _, creationTime: __, ...kept } = properties ?? {}
  return {
    body: bodyType === 'value' || bodyType === 'sequence' ? message.body : bytesOf(message.body),
    bodyType: bodyType ?? 'data',
    applicationProperties: applicationProperties as NonNullable<AmqpAnnotatedMessage['applicationProperties']>,
    properties: { ...kept, messageId: move.id },
    ...(annotations.length > 0 ? { messageAnnotations: Object.fromEntries(annotations) } : {}),
    // Without a time to live: the one received is bounded by the queue's default of then, and it starts anew with today's.
    header: {
      durable: header?.durable ?? true,
      ...(header?.priority === undefined ? {} : { priority: header.priority }),
    },
  }
}

/** Several data sections come as a list of their bytes, and mean the same as one. */
export function bytesOf(body: unknown): unknown {
  return Array.isArray(body) && body.every((part) => part instanceof Uint8Array) ? Buffer.concat(body) : body
}
