import { randomBytes } from 'node:crypto'
import rhea, { type Typed } from 'rhea'
import { invalidField } from './broker-error.ts'
import { List32, Map32, Null, Reader, Writer } from './rhea-internals.ts'
import type { StoredMessage } from './stored-message.ts'

const { message: codec, types } = rhea

/** Section descriptors of AMQP 1.0, part 3.2. */
const section = { header: 0x70, annotations: 0x72, properties: 0x73, applicationProperties: 0x74 } as const
const sectionCodes: Record<string, number> = {
  'amqp:header:list': section.header,
  'amqp:delivery-annotations:map': 0x71,
  'amqp:message-annotations:map': section.annotations,
  'amqp:properties:list': section.properties,
  'amqp:application-properties:map': section.applicationProperties,
}

/**
 * What the sender wrote. Its sections stay bytes, so that values of any kind come out as they went in; the broker writes
 * the header and the annotations, and takes a section apart only to add to it.
 */
export interface MessageContent {
  readonly durable: boolean
  readonly priority: number
  /** Keys and values in turn, without those that the broker sets. */
  readonly annotations: readonly Typed[]
  readonly properties: Buffer
  readonly applicationProperties: Buffer
  readonly bodyAndFooter: Buffer
}

export interface ReceivedMessage {
  readonly messageId: string
  /** Milliseconds since the epoch, when the sender asked for a time. */
  readonly scheduledForMs: number | undefined
  readonly ttlMs: number | undefined
  readonly bytes: number
  readonly content: MessageContent
}

/** What the broker says of a message; a sender that copies a received message may carry old ones. */
const ownAnnotations = new Set([
  'x-opt-sequence-number',
  'x-opt-enqueued-time',
  'x-opt-enqueue-sequence-number',
  'x-opt-locked-until',
  'x-opt-message-state',
  'x-opt-scheduled-enqueue-time',
])

/**
 * Reads an encoded message; a missing message id is assigned, as the service does.
 * @throws BrokerError `amqp:invalid-field` when the bytes are no message
 */
export function readMessage(bytes: Buffer): ReceivedMessage {
  try {
    return read(bytes)
  } catch (error) {
    throw invalidField(`The message cannot be read: ${error instanceof Error ? error.message : String(error)}`)
  }
}

function read(bytes: Buffer): ReceivedMessage {
  const reader = new Reader(bytes)
  let header: Typed[] = []
  let annotations: Typed[] = []
  let properties: Buffer | undefined
  let propertyList: Typed[] = []
  let applicationProperties: Buffer = Buffer.alloc(0)
  let bodyAndFooter: Buffer = Buffer.alloc(0)
  while (reader.remaining() > 0) {
    const start = reader.position
    const typed = reader.read()
    // The library reads past the end without a word.
    if (reader.remaining() < 0) throw new Error('it is cut off')
    const code = codeOf(typed)
    const raw = bytes.subarray(start, reader.position)
    if (code === section.header) header = typed.value
    else if (code === section.annotations) annotations = typed.value
    else if (code === section.properties) [properties, propertyList] = [raw, typed.value]
    else if (code === section.applicationProperties) applicationProperties = raw
    else if (code > section.applicationProperties) {
      bodyAndFooter = bytes.subarray(start)
      break
    }
  }
  const id = propertyList[0]?.value ?? undefined
  const messageId = id === undefined ? randomBytes(16).toString('hex') : idText(id)
  const ttl = header[2]?.value
  return {
    messageId,
    scheduledForMs: timeOf(valueOfKey(annotations, 'x-opt-scheduled-enqueue-time')),
    ttlMs: typeof ttl === 'number' ? ttl : undefined,
    bytes: bytes.length,
    content: {
      durable: Boolean(header[0]?.value),
      priority: typeof header[1]?.value === 'number' ? header[1].value : 4,
      annotations: pairs(annotations).flatMap(([key, value]) => (ownAnnotations.has(key.value) ? [] : [key, value])),
      properties:
        id === undefined || properties === undefined
          ? encode(section.properties, List32([types.wrap_string(messageId), ...propertyList.slice(1)]))
          : properties,
      applicationProperties,
      bodyAndFooter,
    },
  }
}

/** Writes a message as it is delivered: header and annotations of the broker's making, then the sender's own sections. */
export function writeMessage(stored: StoredMessage, options: { lockedUntil: boolean }): Buffer {
  const { content } = stored
  const header = List32([
    types.wrap_boolean(content.durable),
    types.wrap_ubyte(content.priority),
    stored.ttlMs === undefined ? Null() : types.wrap_uint(Math.min(stored.ttlMs, 0xffff_ffff)),
    types.wrap_boolean(false),
    types.wrap_uint(stored.deliveryCount),
  ])
  const annotations = [...content.annotations]
  const annotate = (name: string, value: Typed) => annotations.push(types.wrap_symbol(name), value)
  annotate('x-opt-sequence-number', types.wrap_long(stored.sequence))
  annotate('x-opt-enqueued-time', types.wrap_timestamp(stored.enqueuedAtMs))
  annotate('x-opt-enqueue-sequence-number', types.wrap_long(stored.enqueueSequence))
  if (options.lockedUntil && stored.lock) annotate('x-opt-locked-until', types.wrap_timestamp(stored.lock.untilMs))
  if (stored.scheduledForMs !== undefined) {
    annotate('x-opt-scheduled-enqueue-time', types.wrap_timestamp(stored.scheduledForMs))
  }
  const state = stateShown(stored)
  if (state !== 0) annotate('x-opt-message-state', types.wrap_int(state))
  return Buffer.concat([
    encode(section.header, header),
    encode(section.annotations, Map32(annotations)),
    content.properties,
    content.applicationProperties,
    content.bodyAndFooter,
  ])
}

/** 1 deferred, 2 scheduled. A message that was scheduled still says so when it is received. */
function stateShown({ home, state, scheduledForMs }: StoredMessage): number {
  if (home === 'deferred') return 1
  return state === 'scheduled' || (scheduledForMs !== undefined && state === 'locked') ? 2 : 0
}

/** The same content with application properties added, or replaced where a name is known. */
export function withProperties(content: MessageContent, added: Record<string, unknown>): MessageContent {
  if (Object.keys(added).length === 0) return content
  const before = content.applicationProperties
  const known: Typed[] = before.length === 0 ? [] : new Reader(before).read().value
  const kept = pairs(known).flatMap(([key, value]) => (key.value in added ? [] : [key, value]))
  const more = Object.entries(added).flatMap(([key, value]) => [types.wrap_string(key), types.wrap(value)])
  return { ...content, applicationProperties: encode(section.applicationProperties, Map32([...kept, ...more])) }
}

export function applicationPropertiesOf(content: MessageContent): Record<string, unknown> {
  if (content.applicationProperties.length === 0) return {}
  return {
    ...(codec.decode(content.applicationProperties) as { application_properties?: object }).application_properties,
  }
}

/** The decoded body as a test wants to see it: bytes of a data section, or the AMQP value. */
export function bodyOf(content: MessageContent): unknown {
  if (content.bodyAndFooter.length === 0) return undefined
  const body: unknown = (codec.decode(content.bodyAndFooter) as { body?: unknown }).body
  return body && typeof body === 'object' && 'typecode' in body && 'content' in body ? body.content : body
}

/** All messages of a transfer: one, or a batch whose data sections are encoded messages (format 0x80013700). */
export function messagesOf(bytes: Buffer, format: number): Buffer[] {
  if (format !== 0x80013700) return [bytes]
  const content = (codec.decode(bytes) as { body?: { content?: unknown } }).body?.content
  // The library gives one data section as it is, and several as a list.
  return (Array.isArray(content) ? content : [content]).filter((one): one is Buffer => Buffer.isBuffer(one))
}

/** Timestamps arrive as Date, as number, or as 8 bytes. */
function timeOf(value: unknown): number | undefined {
  if (value instanceof Date) return value.getTime()
  if (typeof value === 'number') return value
  return Buffer.isBuffer(value) && value.length === 8 ? Number(value.readBigInt64BE()) : undefined
}

function codeOf(typed: Typed): number {
  const value: unknown = typed.descriptor?.value
  return typeof value === 'number' ? value : (sectionCodes[String(value)] ?? Number.POSITIVE_INFINITY)
}

function pairs(items: readonly Typed[]): [Typed, Typed][] {
  const found: [Typed, Typed][] = []
  for (let at = 0; at + 1 < items.length; at += 2) {
    const [key, value] = [items[at], items[at + 1]]
    if (key && value) found.push([key, value])
  }
  return found
}

function valueOfKey(items: readonly Typed[], wanted: string): unknown {
  return pairs(items).find(([key]) => key.value === wanted)?.[1].value
}

function encode(code: number, content: Typed): Buffer {
  const writer = new Writer()
  writer.write(types.described(types.wrap_ulong(code), content))
  return writer.toBuffer()
}

function idText(id: unknown): string {
  return Buffer.isBuffer(id) ? id.toString('hex') : String(id)
}
