import { randomBytes } from 'node:crypto'
import rhea, { type Message } from 'rhea'

const { message: codec, types } = rhea

/** Where a message is. A message that is gone is in no state. */
export type MessageState = 'active' | 'locked' | 'deferred' | 'scheduled'

export interface Lock {
  /** 16 bytes as lower-case hex, in the order of RFC 9562. */
  token: string
  untilMs: number
}

/**
 * A message as the broker keeps it. The sections that the sender wrote stay bytes, so that a body of any kind comes out
 * as it went in; only application properties are taken apart, because abandoning and dead-lettering add to them.
 */
export interface StoredMessage {
  sequence: number
  messageId: string
  state: MessageState
  deliveryCount: number
  enqueuedAtMs: number
  /** While scheduled: when it becomes active. Kept afterwards, since the message then says so. */
  scheduledForMs: number | undefined
  enqueueSequence: number
  expiresAtMs: number | undefined
  lock: Lock | undefined
  /** Where the lock's end takes it back to: a deferred message stays deferred. */
  home: 'active' | 'deferred'
  sections: Sections
  applicationProperties: Record<string, unknown>
}

interface Sections {
  durable: boolean
  priority: number
  ttlMs: number | undefined
  annotations: Record<string, unknown>
  properties: Buffer
  /** As sent, until something is added. */
  applicationProperties: Buffer | undefined
  bodyAndFooter: Buffer
  decodedBody: unknown
}

const descriptor = {
  header: 0x70,
  deliveryAnnotations: 0x71,
  messageAnnotations: 0x72,
  properties: 0x73,
  applicationProperties: 0x74,
} as const

interface Reader {
  position: number
  remaining(): number
  read(): { descriptor?: { value: unknown } }
}
// The library exports it, but its types do not say how to construct it.
const { Reader: NewReader } = types as unknown as {
  Reader: new (buffer: Buffer) => Reader
}

export interface ReceivedMessage {
  messageId: string
  /** Milliseconds since the epoch, when the sender asked for a later time. */
  scheduledForMs: number | undefined
  ttlMs: number | undefined
  sections: Sections
  applicationProperties: Record<string, unknown>
  bytes: number
}

/** Reads an encoded message; a missing message id is assigned, as the service does. */
export function readMessage(bytes: Buffer): ReceivedMessage {
  const message = codec.decode(bytes) as unknown as Message
  const parts = splitSections(bytes)
  const messageId =
    message.message_id === undefined || message.message_id === null ? undefined : idText(message.message_id)
  const assigned = messageId ?? randomBytes(16).toString('hex')
  const annotations = { ...(message.message_annotations as Record<string, unknown> | undefined) }
  const scheduled = timeOf(annotations['x-opt-scheduled-enqueue-time'])
  delete annotations['x-opt-scheduled-enqueue-time']
  return {
    messageId: assigned,
    scheduledForMs: scheduled,
    ttlMs: typeof message.ttl === 'number' ? message.ttl : undefined,
    applicationProperties: { ...message.application_properties },
    bytes: bytes.length,
    sections: {
      durable: message.durable ?? false,
      priority: typeof message.priority === 'number' ? message.priority : 4,
      ttlMs: typeof message.ttl === 'number' ? message.ttl : undefined,
      annotations,
      properties: messageId === undefined ? encodeProperties(message, assigned) : (parts.properties ?? Buffer.alloc(0)),
      applicationProperties: parts.applicationProperties,
      bodyAndFooter: parts.rest,
      decodedBody: message.body,
    },
  }
}

function splitSections(bytes: Buffer): { properties?: Buffer; applicationProperties?: Buffer; rest: Buffer } {
  const reader = new NewReader(bytes)
  const parts: { properties?: Buffer; applicationProperties?: Buffer; rest: Buffer } = { rest: Buffer.alloc(0) }
  while (reader.remaining() > 0) {
    const start = reader.position
    const code = sectionCode(reader.read().descriptor?.value)
    const section = bytes.subarray(start, reader.position)
    if (code === descriptor.properties) parts.properties = section
    else if (code === descriptor.applicationProperties) parts.applicationProperties = section
    else if (
      code !== descriptor.header &&
      code !== descriptor.deliveryAnnotations &&
      code !== descriptor.messageAnnotations
    ) {
      parts.rest = bytes.subarray(start)
      break
    }
  }
  return parts
}

function sectionCode(value: unknown): number {
  if (typeof value === 'number') return value
  const names: Record<string, number> = {
    'amqp:header:list': descriptor.header,
    'amqp:delivery-annotations:map': descriptor.deliveryAnnotations,
    'amqp:message-annotations:map': descriptor.messageAnnotations,
    'amqp:properties:list': descriptor.properties,
    'amqp:application-properties:map': descriptor.applicationProperties,
  }
  return names[String(value)] ?? -1
}

/** Writes a message as it is delivered: header and annotations of the broker's making, then the sender's own sections. */
export function writeMessage(stored: StoredMessage, options: { lockedUntil: boolean }): Buffer {
  const { sections } = stored
  const annotations: Record<string, unknown> = {
    ...sections.annotations,
    'x-opt-sequence-number': types.wrap_long(stored.sequence),
    'x-opt-enqueued-time': types.wrap_timestamp(stored.enqueuedAtMs),
    'x-opt-enqueue-sequence-number': types.wrap_long(stored.enqueueSequence),
  }
  if (options.lockedUntil && stored.lock) annotations['x-opt-locked-until'] = types.wrap_timestamp(stored.lock.untilMs)
  if (stored.scheduledForMs !== undefined) {
    annotations['x-opt-scheduled-enqueue-time'] = types.wrap_timestamp(stored.scheduledForMs)
  }
  const state = { active: 0, locked: 0, deferred: 1, scheduled: 2 }[stored.state]
  const shown = stored.home === 'deferred' ? 1 : state
  if (shown !== 0) annotations['x-opt-message-state'] = types.wrap_int(shown)
  const front = encodeOnly({
    durable: sections.durable,
    priority: sections.priority,
    ttl: sections.ttlMs,
    delivery_count: stored.deliveryCount,
    message_annotations: annotations,
  })
  const properties =
    sections.applicationProperties ??
    (Object.keys(stored.applicationProperties).length === 0
      ? Buffer.alloc(0)
      : encodeOnly({ application_properties: stored.applicationProperties }, descriptor.applicationProperties))
  return Buffer.concat([front, sections.properties, properties, sections.bodyAndFooter])
}

/** Adds application properties; the section is then written anew. */
export function addProperties(stored: StoredMessage, properties: Record<string, unknown> | undefined): void {
  if (!properties || Object.keys(properties).length === 0) return
  stored.applicationProperties = { ...stored.applicationProperties, ...properties }
  stored.sections = { ...stored.sections, applicationProperties: undefined }
}

/** The decoded body as a test wants to see it: bytes of a data section, or the AMQP value. */
export function bodyOf(stored: StoredMessage): unknown {
  const body = stored.sections.decodedBody as { typecode?: number; content?: unknown } | undefined
  return body && typeof body === 'object' && 'typecode' in body ? body.content : body
}

function encodeProperties(message: Message, messageId: string): Buffer {
  const names = [
    'user_id',
    'to',
    'subject',
    'reply_to',
    'correlation_id',
    'content_type',
    'content_encoding',
    'group_id',
    'reply_to_group_id',
  ] as const
  const fields: Record<string, unknown> = { message_id: messageId }
  for (const name of names) if (message[name] !== undefined) fields[name] = message[name]
  return encodeOnly(fields, descriptor.properties)
}

/** Encodes a message of the library's and keeps the sections in front of the body, or the one that is named. */
function encodeOnly(fields: Record<string, unknown>, only?: number): Buffer {
  const bytes = codec.encode({ ...fields, body: null } as unknown as Message) as Buffer
  const reader = new NewReader(bytes)
  const kept: Buffer[] = []
  while (reader.remaining() > 0) {
    const start = reader.position
    const code = sectionCode(reader.read().descriptor?.value)
    const wanted =
      only === undefined ? code === descriptor.header || code === descriptor.messageAnnotations : code === only
    if (wanted) kept.push(bytes.subarray(start, reader.position))
  }
  return Buffer.concat(kept)
}

function idText(id: unknown): string {
  return Buffer.isBuffer(id) ? id.toString('hex') : String(id)
}

/** Timestamps arrive as Date, as number, or as 8 bytes. */
export function timeOf(value: unknown): number | undefined {
  if (value instanceof Date) return value.getTime()
  if (typeof value === 'number') return value
  if (Buffer.isBuffer(value) && value.length === 8) return Number(value.readBigInt64BE())
  return undefined
}
