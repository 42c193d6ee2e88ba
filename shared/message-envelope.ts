import { createHash } from 'node:crypto'
import * as z from 'zod'
import { type IncidentRef, parseIncidentArmId } from './arm-id.ts'
import { hopeless } from './failure.ts'

/** The application properties of the contract's section 3. */
export const messageProperties = {
  attempt: 'enricher-attempt',
  copies: 'enricher-copies',
  origin: 'enricher-origin',
  replays: 'enricher-replays',
  dependency: 'enricher-dependency',
  errorCode: 'enricher-error-code',
  failedAt: 'enricher-failed-at',
} as const

/** The deterministic message id of a first message: the same incident and playbook twice is one message to the broker. */
export function firstMessageId(incident: string, playbook: string): string {
  return `${incident}:${playbook}`
}

/** The id of the `copies`-th delayed copy. */
export function copyMessageId(origin: string, copies: number): string {
  return `${origin}~c${copies}`
}

/** The id of the `replays`-th replay. */
export function replayMessageId(origin: string, replays: number): string {
  return `${origin}~r${replays}`
}

/** Service Bus accepts at most 128 characters in a message id. */
const maxOriginLength = 110

/** The first message's id: what `enricher-origin` says, or the id without the suffix of a copy or a replay. */
export function originOf(messageId: unknown, declared: unknown): string {
  const text = typeof declared === 'string' && declared ? declared : messageId == null ? '' : String(messageId)
  // A suffix is sought only in what can be an id of ours: the pattern is quadratic in a long foreign text.
  const origin = text.length <= 2 * maxOriginLength ? text.replace(/(~[cr]\d+)+$/, '') : text
  if (origin.length <= maxOriginLength) return origin
  // Cut only, two long ids of another producer could become one, and duplicate detection would drop the second's copy.
  const hash = createHash('sha256').update(origin).digest('hex').slice(0, 20)
  return `${origin.slice(0, maxOriginLength - hash.length - 1)}#${hash}`
}

/** A counter from an application property: a whole number from 0 to 1,000,000, anything else is 0. */
export function counterOf(value: unknown): number {
  const number = typeof value === 'bigint' ? Number(value) : value
  return typeof number === 'number' && Number.isInteger(number) && number >= 0 && number <= 1_000_000 ? number : 0
}

/**
 * Finds the incident in a message body, in any of the contract's forms: the ARM id as JSON string or plain text;
 * `{"incidentArmId"}`; a Sentinel incident trigger's body (`object.id`, or the id inside `incidentUrl` where a template
 * dropped it), bare or inside `{headers, body}`; each of these also with a byte order mark, base64-encoded once more, or
 * behind the legacy .NET string prefix. `body` is what the SDK hands over: bytes of a data section, or an AMQP value.
 *
 * @throws Failure `InvalidMessage`; its sentence tells the form that was met, never its content.
 */
export function decodeIncidentMessage(body: unknown): IncidentRef {
  const found = fromAny(body, 0)
  if (typeof found === 'object') return found
  throw hopeless(
    'InvalidMessage',
    'message',
    'InvalidMessage',
    `The message names no Sentinel incident: ${found}. Send the incident's ARM id, {"incidentArmId": "…"}, or the trigger's whole body.`,
  )
}

/** The incident, or why there is none. */
type Found = IncidentRef | string

/** Bodies nest at most: base64 of a JSON string of base64 of JSON; deeper is somebody's trick. */
const maxDepth = 4
const tooDeep = 'its body is wrapped too many times'

/** A premium namespace takes messages of 100 MB; a trigger's body with all its alerts is far below this. */
const maxBodyLength = 1_048_576
const tooLong = 'its body is longer than 1 MB'
/** An ARM id has at most some 700 characters, a portal link to an incident a few more. */
const maxIdLength = 2_048

function fromAny(body: unknown, depth: number): Found {
  if (depth > maxDepth) return tooDeep
  if (body == null) return 'its body is empty'
  if (body instanceof Uint8Array) return body.length > maxBodyLength ? tooLong : fromBytes(body, depth)
  if (typeof body === 'string') return fromText(body, depth)
  if (Array.isArray(body)) return 'its body is a list'
  if (typeof body === 'object') return fromObject(body)
  return `its body is a ${typeof body}`
}

const dotNetPrefix = '@\u0006string\u00083http://schemas.microsoft.com/2003/10/Serialization/'

function fromBytes(bytes: Uint8Array, depth: number): Found {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  if (buffer.subarray(0, dotNetPrefix.length).toString('latin1') === dotNetPrefix) {
    const text = dotNetString(buffer.subarray(dotNetPrefix.length))
    return text === undefined ? 'its legacy .NET string is cut off' : fromText(text, depth + 1)
  }
  try {
    return fromText(new TextDecoder('utf-8', { fatal: true }).decode(buffer), depth)
  } catch {
    return 'its body is not UTF-8 text'
  }
}

/**
 * The text record after the prefix that DataContractSerializer writes: a type byte, a length of 1, 2 or 4 bytes, the
 * UTF-8 text ([MC-NBFX] 2.2.3.19-21: Chars8Text 0x98, Chars16Text 0x9A, Chars32Text 0x9C; odd types end the element).
 */
function dotNetString(record: Buffer): string | undefined {
  const lengthBytes = { 152: 1, 153: 1, 154: 2, 155: 2, 156: 4, 157: 4 }[record[0] ?? 0]
  if (lengthBytes === undefined || record.length < 1 + lengthBytes) return undefined
  const length = record.readUIntLE(1, lengthBytes)
  const text = record.subarray(1 + lengthBytes, 1 + lengthBytes + length)
  return text.length === length ? text.toString('utf8') : undefined
}

function fromText(raw: string, depth: number): Found {
  if (depth > maxDepth) return tooDeep
  if (raw.length > maxBodyLength) return tooLong
  const text = raw.replace(/^\uFEFF/, '').trim()
  if (text === '') return 'its body is empty'
  if (text.startsWith(dotNetPrefix)) {
    const payload = text.slice(dotNetPrefix.length).search(/[/{"]/)
    if (payload < 0) return 'its legacy .NET string is cut off'
    // The end-of-element byte after the text survives as a control character.
    return fromText(withoutControlsBehind(text.slice(dotNetPrefix.length + payload)), depth + 1)
  }
  if (text.startsWith('/')) return parseId(text) ?? 'its ARM id is not an incident of a workspace'
  if (text.startsWith('{') || text.startsWith('"')) return fromJson(text, depth)
  if (text.length % 4 === 0 && /^[A-Za-z0-9+/]+={0,2}$/.test(text)) {
    const inner = fromBytes(Buffer.from(text, 'base64'), depth + 1)
    return typeof inner === 'object' ? inner : 'its body is neither an ARM id nor JSON'
  }
  return 'its body is neither an ARM id nor JSON'
}

/** A pattern for this would look at every run of controls from each of its characters: quadratic. */
function withoutControlsBehind(text: string): string {
  let end = text.length
  while (end > 0 && /\p{Cc}/u.test(text.charAt(end - 1))) end--
  return text.slice(0, end)
}

function fromJson(text: string, depth: number): Found {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return 'its body starts like JSON but is not'
  }
  return fromAny(value, depth + 1)
}

function parseId(text: string): IncidentRef | undefined {
  return text.length > maxIdLength ? undefined : parseIncidentArmId(text)
}

/** What a body may say of its incident; everything else in it is of no interest, and not looked at. */
const bodySchema = z.object({
  incidentArmId: z.string().optional(),
  object: z
    .object({ id: z.string().optional(), properties: z.object({ incidentUrl: z.string().optional() }).optional() })
    .optional(),
})
/** A trigger's outputs wrap the body once more. */
const outputsSchema = z.object({ body: bodySchema })

function fromObject(body: object): Found {
  const bare = bodySchema.safeParse(body).data
  if (bare?.incidentArmId !== undefined) {
    return parseId(bare.incidentArmId) ?? 'its incidentArmId is not the ARM id of an incident'
  }
  const incident = bare?.object ?? outputsSchema.safeParse(body).data?.body.object
  if (!incident) return 'its JSON has neither incidentArmId nor object.id'
  if (incident.id !== undefined) {
    return parseId(incident.id) ?? 'its object.id is not the ARM id of an incident'
  }
  // A template may drop object.id; the portal's link to the incident carries it after "/Incident".
  const url = (incident.properties?.incidentUrl ?? '').slice(0, maxIdLength)
  const path = /\/Incident(\/subscriptions\/.+)$/i.exec(url)?.[1]
  return (path === undefined ? undefined : parseId(path)) ?? 'its object has no id'
}
