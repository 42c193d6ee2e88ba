/** What both the emulator and Service Bus let one set of a queue; durations in seconds. */
export interface QueueRules {
  duplicateDetection: boolean
  duplicateWindowSeconds: number
  lockSeconds: number
  maxDeliveryCount: number
  timeToLiveSeconds: number
  deadLetterOnExpiry: boolean
}

/** The most that the emulator takes (Config-schema.json of Azure/azure-service-bus-emulator-installer, 2026-06). */
const emulatorLimits = { duplicateWindowSeconds: 300, lockSeconds: 300, maxDeliveryCount: 10, timeToLiveSeconds: 3600 }

/** The rules of a queue in the emulator's configuration. */
export function emulatorQueue(config: unknown, name: string): QueueRules {
  const { Namespaces } = (config as { UserConfig: { Namespaces: { Queues: EmulatorQueue[] }[] } }).UserConfig
  const properties = Namespaces[0]?.Queues.find((one) => one.Name === name)?.Properties
  if (!properties) throw new Error(`the emulator has no queue ${name}`)
  return {
    duplicateDetection: properties.RequiresDuplicateDetection,
    duplicateWindowSeconds: secondsOf(properties.DuplicateDetectionHistoryTimeWindow),
    lockSeconds: secondsOf(properties.LockDuration),
    maxDeliveryCount: properties.MaxDeliveryCount,
    timeToLiveSeconds: secondsOf(properties.DefaultMessageTimeToLive),
    deadLetterOnExpiry: properties.DeadLetteringOnMessageExpiration,
  }
}

interface EmulatorQueue {
  Name: string
  Properties: {
    RequiresDuplicateDetection: boolean
    DuplicateDetectionHistoryTimeWindow: string
    LockDuration: string
    MaxDeliveryCount: number
    DefaultMessageTimeToLive: string
    DeadLetteringOnMessageExpiration: boolean
  }
}

/** A queue's `properties` in Bicep, with every number lowered to what the emulator takes. */
export function queueForEmulator(properties: Record<string, unknown>): QueueRules {
  const seconds = (name: string) => secondsOf(String(properties[name]))
  const limit = (name: keyof typeof emulatorLimits, value: number) => Math.min(value, emulatorLimits[name])
  return {
    duplicateDetection: properties.requiresDuplicateDetection === true,
    duplicateWindowSeconds: limit('duplicateWindowSeconds', seconds('duplicateDetectionHistoryTimeWindow')),
    lockSeconds: limit('lockSeconds', seconds('lockDuration')),
    maxDeliveryCount: limit('maxDeliveryCount', Number(properties.maxDeliveryCount)),
    timeToLiveSeconds: limit('timeToLiveSeconds', seconds('defaultMessageTimeToLive')),
    deadLetterOnExpiry: properties.deadLetteringOnMessageExpiration === true,
  }
}

/** Seconds of an ISO 8601 duration without months and years. */
export function secondsOf(duration: string): number {
  const match = /^P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?)?$/.exec(duration)
  if (!match) throw new Error(`${duration} is no duration`)
  const [days = 0, hours = 0, minutes = 0, seconds = 0] = match.slice(1).map((part) => Number(part ?? 0))
  return ((days * 24 + hours) * 60 + minutes) * 60 + seconds
}
