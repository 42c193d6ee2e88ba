import type { ServiceBusReceivedMessage } from '@azure/service-bus'
import { type IncidentRef, workspaceArmId } from '../../shared/arm-id.ts'
import { counterOf, decodeIncidentMessage, messageProperties, originOf } from '../../shared/message-envelope.ts'

/** What a command keeps of a dead letter: no body, so that ten thousand of them are a few megabytes. Times are milliseconds since the epoch. */
export interface DeadLetter {
  /** The place in the dead-letter queue, as decimal text: it may exceed what a number holds exactly. */
  sequence: string
  messageId: string
  origin: string
  /** What the worker or the broker gave as reason; `none` when a producer gave none. */
  reason: string
  /** Empty on dead letters that are not the worker's. */
  dependency: string
  errorCode: string
  failedAt: number
  enqueuedAt: number
  attempt: number
  replays: number
  /** GUID and workspace ARM id, where the body names an incident. */
  incident: string | undefined
  workspace: string | undefined
  /** `deferred` is one that an interrupted replay has set aside already. */
  state: 'active' | 'deferred' | 'scheduled'
}

/** One text per workspace, however many dead letters name it. */
const workspaces = new Map<string, string>()

export function readDeadLetter(message: ServiceBusReceivedMessage): DeadLetter {
  const properties = message.applicationProperties ?? {}
  const text = (name: string) => (typeof properties[name] === 'string' ? properties[name] : '')
  const messageId = message.messageId == null ? '' : String(message.messageId)
  const enqueuedAt = message.enqueuedTimeUtc?.getTime() ?? 0
  const failedAt = Date.parse(text(messageProperties.failedAt))
  const incident = incidentOf(message)
  return {
    sequence: message.sequenceNumber?.toString() ?? '',
    messageId,
    origin: originOf(messageId, properties[messageProperties.origin]),
    reason: message.deadLetterReason || 'none',
    dependency: text(messageProperties.dependency),
    errorCode: text(messageProperties.errorCode),
    failedAt: Number.isNaN(failedAt) ? enqueuedAt : failedAt,
    enqueuedAt,
    attempt: counterOf(properties[messageProperties.attempt]),
    replays: counterOf(properties[messageProperties.replays]),
    incident: incident?.incident,
    workspace: incident && interned(workspaceArmId(incident)),
    state: message.state,
  }
}

/** The incident that a message names, or undefined: another producer's messages name none. */
export function incidentOf(message: Pick<ServiceBusReceivedMessage, 'body'>): IncidentRef | undefined {
  try {
    return decodeIncidentMessage(message.body)
  } catch {
    return undefined
  }
}

/** Sequence numbers by value. */
export function compareSequences(one: string, other: string): number {
  return one.length === other.length ? (one < other ? -1 : one > other ? 1 : 0) : one.length - other.length
}

function interned(text: string): string {
  const known = workspaces.get(text)
  if (known !== undefined) return known
  workspaces.set(text, text)
  return text
}
