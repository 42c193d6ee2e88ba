import rhea from 'rhea'

const { message: codec, types } = rhea

/** An AMQP error as the library writes it into detaches and outcomes. */
export function amqpError(condition: string, description: string): { condition: string; description: string } {
  return { condition, description }
}

/** Described outcomes, ready for `delivery.update`. */
export const outcomes = {
  accepted: () => (codec as unknown as Outcomes).accepted().described(),
  rejected: (condition: string, description: string) =>
    (codec as unknown as Outcomes).rejected({ error: types.wrap_error(amqpError(condition, description)) }).described(),
}

interface Outcomes {
  accepted(): { described(): unknown }
  rejected(fields: { error: unknown }): { described(): unknown }
}

/** Array constructors of the wire format (AMQP 1.0, part 1.6). */
const typeCode = { long: 0x81, timestamp: 0x83 } as const

export function arrayOf(kind: keyof typeof typeCode, values: number[]): unknown {
  return (types as unknown as { wrap_array(values: number[], code: number): unknown }).wrap_array(
    values,
    typeCode[kind],
  )
}

export function uuid(hex: string): unknown {
  return (types as unknown as { wrap_uuid(bytes: Buffer): unknown }).wrap_uuid(Buffer.from(hex, 'hex'))
}

/**
 * A delivery tag is the lock token in the byte order of a .NET Guid, the first three groups little-endian, while
 * management carries it as RFC 9562 says. The swap is its own inverse.
 */
export function swapGuidOrder(hex: string): Buffer {
  const bytes = Buffer.from(hex, 'hex')
  bytes.subarray(0, 4).reverse()
  bytes.subarray(4, 6).reverse()
  bytes.subarray(6, 8).reverse()
  return bytes
}

/** Whole numbers arrive as number, or as 8 bytes when they are large. */
export function numberOf(value: unknown): number {
  if (typeof value === 'number') return value
  if (Buffer.isBuffer(value) && value.length === 8) return Number(value.readBigInt64BE())
  return Number(value)
}

/** A list or an array, of values or of wrapped values. */
export function listOf(value: unknown): unknown[] {
  const list = Array.isArray(value) ? value : value === undefined || value === null ? [] : [value]
  return list.map((one) =>
    typeof one === 'object' && one !== null && 'value' in one && !Buffer.isBuffer(one) ? one.value : one,
  )
}

/** A lock token of a management request as hex. */
export function tokenOf(value: unknown): string {
  return Buffer.isBuffer(value) ? value.toString('hex') : String(value).replaceAll('-', '').toLowerCase()
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
