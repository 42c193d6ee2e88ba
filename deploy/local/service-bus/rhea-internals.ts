import rhea, { type Connection, type Delivery, type Receiver, type Sender, type Typed } from 'rhea'

const { message: codec, types } = rhea

// What the library has and its types do not show, in one place: an update of rhea is checked against this file.

export interface ConnectionInternals {
  accept(socket: unknown): void
  /** The library listens to a socket's `end` and `error`; of a socket that was destroyed it hears neither. */
  _disconnected(error?: Error): void
  socket_ready: boolean
}

export interface LinkInternals {
  local: { attach: Record<string, unknown> }
  session: { outgoing: { next_delivery_id: number; next_pending_delivery: number; available(): number } }
  credit: number
  delivery_count: number
  issue_flow: boolean
  _draining?: boolean
  _get_drain(): boolean
  connection: { _register(): void }
}

export interface DeliveryInternals {
  settled: boolean
  remote_settled: boolean
}

/** Reads and writes single encoded values. */
export const { Reader, Writer } = types as unknown as {
  Reader: new (bytes: Buffer) => { readonly position: number; remaining(): number; read(): Typed }
  Writer: new () => { write(value: unknown): void; toBuffer(): Buffer }
}

/** Makers of typed values that stand for themselves, with the widest encoding of their kind. */
export const { List32, Map32, Null } = types as unknown as {
  List32(items: readonly Typed[]): Typed
  Map32(keysAndValues: readonly Typed[]): Typed
  Null(): Typed
}

export const connectionInternals = (connection: Connection) => connection as unknown as ConnectionInternals
export const linkInternals = (link: Sender | Receiver) => link as unknown as LinkInternals
export const deliveryInternals = (delivery: Delivery) => delivery as unknown as DeliveryInternals

/** Outcomes for `delivery.update`. */
interface Outcomes {
  accepted(): { described(): unknown }
  rejected(fields: { error: { condition: string; description: string } }): { described(): unknown }
}
const outcomes = codec as unknown as Outcomes

export function accept(delivery: Delivery): void {
  delivery.update(true, outcomes.accepted().described() as never)
}

export function reject(delivery: Delivery, error: { condition: string; message: string }): void {
  const { condition, message: description } = error
  delivery.update(true, outcomes.rejected({ error: { condition, description } }).described() as never)
}

export function closeWith(link: Sender | Receiver, error: { condition: string; message: string }): void {
  link.close({ condition: error.condition, description: error.message })
}

/** Array constructors of the wire format (AMQP 1.0, part 1.6). */
const typeCode = { long: 0x81, timestamp: 0x83 } as const

export function arrayOf(kind: keyof typeof typeCode, values: number[]): Typed {
  return types.wrap_array(values, typeCode[kind], undefined)
}

const rawBytes = Symbol('raw bytes')

/**
 * The library decodes a message and forgets its bytes; a broker needs them. Decoding is wrapped once per process, and
 * others who use the library in the same process see no difference.
 */
export function keepRawBytes(): void {
  const library = codec as unknown as { decode(bytes: Buffer): object; [rawBytes]?: true }
  if (library[rawBytes]) return
  const decode = library.decode
  library.decode = (bytes) => {
    const message = decode(bytes)
    Object.defineProperty(message, rawBytes, { value: bytes, enumerable: false })
    return message
  }
  Object.defineProperty(library, rawBytes, { value: true, enumerable: false })
}

export function rawBytesOf(message: object): Buffer {
  const bytes = (message as { [rawBytes]?: Buffer })[rawBytes]
  if (!bytes) throw new Error('the message was decoded before keepRawBytes()')
  return bytes
}
