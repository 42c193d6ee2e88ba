export interface QueueEvent {
  /** The queue's name, or `<name>/$DeadLetterQueue`. */
  queue: string
  sequenceNumber: number
  messageId: string
}

export type SettledOutcome = 'completed' | 'abandoned' | 'deferred' | 'dead-lettered'

/** Which way a settlement came: on the link of the delivery, or as an `update-disposition` request. */
export type SettledVia = 'link' | 'management'

/** What the broker witnesses, each told when its effect can already be inspected. */
export interface QueueEvents {
  /** A message is active: sent, or its scheduled time has come (then under its new sequence number). */
  enqueued: [QueueEvent]
  scheduled: [QueueEvent & { dueAtMs: number }]
  delivered: [QueueEvent]
  settled: [QueueEvent & { outcome: SettledOutcome; via: SettledVia }]
  renewed: [QueueEvent & { lockedUntilMs: number }]
  'lock-expired': [QueueEvent]
  /** Under the sequence number it had in its queue; reason '' where the receiver gave none. */
  'dead-lettered': [QueueEvent & { reason: string }]
  /** Its time to live ended and the queue does not dead-letter such. */
  expired: [QueueEvent]
  'duplicate-dropped': [{ queue: string; messageId: string }]
}
