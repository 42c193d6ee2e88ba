import type { ServiceBusReceivedMessage } from '@azure/service-bus'

export type AmqpAnnotatedMessage = ServiceBusReceivedMessage['_rawAmqpMessage']

/** What the broker wrote on a message that was dead-lettered once; a copy lives. */
const brokersProperties = ['DeadLetterReason', 'DeadLetterErrorDescription']
/** The sender's annotations go along, the broker's own do not: an old scheduled time, for one, would be obeyed. */
const senderAnnotations = new Set(['x-opt-partition-key', 'x-opt-via-partition-key'])

/**
 * A message to send that says what a received one says, under another id: body bytes and section, content type and encoding,
 * correlation, the sender's own properties and annotations are as they were.
 *
 * @param message of a receiver that skips the SDK's parsing of JSON, so that a data section's body is its bytes
 * @param set application properties that are set over the message's own
 * @param drop names of application properties that the copy goes without
 */
export function copyOf(
  message: ServiceBusReceivedMessage,
  messageId: string,
  set: Record<string, string | number>,
  drop: readonly string[] = [],
): AmqpAnnotatedMessage {
  const { header, properties, messageAnnotations, bodyType } = message._rawAmqpMessage
  const applicationProperties: Record<string, unknown> = { ...message.applicationProperties }
  for (const name of [...brokersProperties, ...drop]) delete applicationProperties[name]
  Object.assign(applicationProperties, set)
  const annotations = Object.entries(messageAnnotations ?? {}).filter(
    ([name]) => !name.startsWith('x-opt-') || senderAnnotations.has(name),
  )
  const { absoluteExpiryTime: _, creationTime: __, ...kept } = properties ?? {}
  return {
    body: bodyType === 'value' || bodyType === 'sequence' ? message.body : bytesOf(message.body),
    bodyType: bodyType ?? 'data',
    applicationProperties: applicationProperties as NonNullable<AmqpAnnotatedMessage['applicationProperties']>,
    properties: { ...kept, messageId },
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
