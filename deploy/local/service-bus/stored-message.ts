import type { MessageContent, ReceivedMessage } from './message-codec.ts'

/** Where a message is. A message that is gone is in no state. */
export type MessageState = 'active' | 'locked' | 'deferred' | 'scheduled'

export interface Lock {
  /** 16 bytes as lower-case hex, in the order of RFC 9562. */
  readonly token: string
  readonly untilMs: number
}

/** A message as the broker keeps it. */
export interface StoredMessage {
  readonly sequence: number
  /** The number it was accepted under; a due scheduled message and a dead letter get a new `sequence`. */
  readonly enqueueSequence: number
  readonly messageId: string
  readonly enqueuedAtMs: number
  /** When it was or will become active, for a message that was scheduled. */
  readonly scheduledForMs: number | undefined
  /** The sender's time to live, bounded by the queue's. */
  readonly ttlMs: number | undefined
  readonly expiresAtMs: number | undefined
  state: MessageState
  /** Where the lock's end takes it back to: a deferred message stays deferred. */
  home: 'active' | 'deferred'
  deliveryCount: number
  lock: Lock | undefined
  content: MessageContent
}

/** A message as it is accepted; it becomes active when it is enqueued, at once or at its time. */
export function newMessage(received: ReceivedMessage, sequence: number, ttlMs: number | undefined): StoredMessage {
  return {
    sequence,
    enqueueSequence: sequence,
    messageId: received.messageId,
    enqueuedAtMs: Date.now(),
    scheduledForMs: received.scheduledForMs,
    ttlMs,
    expiresAtMs: undefined,
    state: 'scheduled',
    home: 'active',
    deliveryCount: 0,
    lock: undefined,
    content: received.content,
  }
}

/** Only active messages expire: a locked one when it comes back, a deferred one never, a scheduled one is not there yet. */
export function isExpired(stored: StoredMessage, nowMs: number): boolean {
  return stored.state === 'active' && stored.expiresAtMs !== undefined && stored.expiresAtMs <= nowMs
}
