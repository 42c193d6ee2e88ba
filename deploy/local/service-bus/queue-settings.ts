export interface QueueSettings {
  name: string
  /** How long a delivered message stays with its receiver. Default 60,000. */
  lockDurationMs?: number
  /** Deliveries that may fail; the one that makes the count reach it dead-letters. Default 10. */
  maxDeliveryCount?: number
  /** How long message ids are remembered; 0, the default, is off. */
  duplicateDetectionWindowMs?: number
  /** An upper bound to each message's own time to live; without one they live for ever. */
  defaultTimeToLiveMs?: number
  /** Whether an expired message is dead-lettered instead of dropped. Default false. */
  deadLetterOnExpiration?: boolean
  /** Of one message, and of one batch. Default 262,144, as in the standard tier. */
  maxMessageBytes?: number
}

export type ResolvedQueueSettings = Required<Omit<QueueSettings, 'defaultTimeToLiveMs'>> &
  Pick<QueueSettings, 'defaultTimeToLiveMs'>

export function resolveQueueSettings(settings: QueueSettings): ResolvedQueueSettings {
  return {
    lockDurationMs: 60_000,
    maxDeliveryCount: 10,
    duplicateDetectionWindowMs: 0,
    deadLetterOnExpiration: false,
    maxMessageBytes: 262_144,
    ...settings,
  }
}

/** Dead letters never expire, no delivery count removes them, and none is a duplicate. */
export function deadLetterSettings({ defaultTimeToLiveMs: _, ...settings }: ResolvedQueueSettings): QueueSettings {
  return { ...settings, maxDeliveryCount: Number.POSITIVE_INFINITY, duplicateDetectionWindowMs: 0 }
}
