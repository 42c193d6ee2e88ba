import { applicationPropertiesOf, bodyOf } from './message-codec.ts'
import type { Queue } from './queue.ts'
import type { StoredMessage } from './stored-message.ts'

/** A message as a test sees it. Times are milliseconds since the epoch. */
export interface MessageView {
  sequenceNumber: number
  messageId: string
  applicationProperties: Record<string, unknown>
  /** Bytes of a data section, or the AMQP value. */
  body: unknown
  deliveryCount: number
  enqueuedAtMs: number
  /** When it was or will become active, for a message that was scheduled. */
  scheduledForMs?: number
  /** While somebody holds it. */
  lockedUntil?: number
  deadLetterReason?: string
  deadLetterDescription?: string
}

export interface QueueView {
  /** Waiting and locked ones, by sequence number. */
  active: MessageView[]
  scheduled: MessageView[]
  deferred: MessageView[]
  deadLettered: MessageView[]
  /** Receiver links that are attached now. */
  receivers: number
}

export function inspectQueue(queue: Queue): QueueView {
  const view: QueueView = { active: [], scheduled: [], deferred: [], deadLettered: [], receivers: queue.receivers }
  for (const stored of queue.all()) {
    if (stored.state === 'scheduled') view.scheduled.push(viewOf(stored))
    else view[stored.home].push(viewOf(stored))
  }
  for (const stored of queue.deadLetters?.all() ?? []) view.deadLettered.push(viewOf(stored))
  return view
}

function viewOf(stored: StoredMessage): MessageView {
  const applicationProperties = applicationPropertiesOf(stored.content)
  const { DeadLetterReason: reason, DeadLetterErrorDescription: description } = applicationProperties
  return {
    sequenceNumber: stored.sequence,
    messageId: stored.messageId,
    applicationProperties,
    body: bodyOf(stored.content),
    deliveryCount: stored.deliveryCount,
    enqueuedAtMs: stored.enqueuedAtMs,
    ...(stored.scheduledForMs === undefined ? {} : { scheduledForMs: stored.scheduledForMs }),
    ...(stored.lock ? { lockedUntil: stored.lock.untilMs } : {}),
    ...(typeof reason === 'string' ? { deadLetterReason: reason } : {}),
    ...(typeof description === 'string' ? { deadLetterDescription: description } : {}),
  }
}
