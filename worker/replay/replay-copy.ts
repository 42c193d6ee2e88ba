import type { ServiceBusReceivedMessage } from '@azure/service-bus'
import { messageProperties } from '../../shared/message-envelope.ts'
import { type AmqpAnnotatedMessage, copyOf } from '../pump/message-copy.ts'

/** What the worker wrote on the dead letter about its death; its attempts start anew. */
const deathProperties = [
  messageProperties.dependency,
  messageProperties.errorCode,
  messageProperties.failedAt,
  messageProperties.attempt,
]

/**
 * The message to send for a dead letter. The counters that make message ids only grow, so no id of this message is used
 * twice.
 */
export function replayCopy(
  message: ServiceBusReceivedMessage,
  move: { id: string; origin: string; replays: number },
): AmqpAnnotatedMessage {
  const { origin, replays } = move
  const counters = { [messageProperties.origin]: origin, [messageProperties.replays]: replays }
  return copyOf(message, move.id, counters, deathProperties)
}
