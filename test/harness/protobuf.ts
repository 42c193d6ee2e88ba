/** One field as it stands on the wire: its number and value. */
interface WireField {
  field: number
  value: bigint | Buffer
}

/** Reads the fields of a protobuf message (protobuf.dev, "Encoding"): varints, fixed 32 and 64 bits, and length-delimited ones. */
export function readFields(bytes: Buffer): WireField[] {
  const fields: WireField[] = []
  let at = 0
  const varint = () => {
    let value = 0n
    for (let shift = 0n; ; shift += 7n) {
      const byte = bytes.readUInt8(at++)
      value |= BigInt(byte & 0x7f) << shift
      if (byte < 0x80) return value
    }
  }
  while (at < bytes.length) {
    const tag = Number(varint())
    const [field, type] = [tag >> 3, tag & 7]
    if (type === 0) fields.push({ field, value: varint() })
    else {
      const length = type === 1 ? 8 : type === 5 ? 4 : type === 2 ? Number(varint()) : Number.NaN
      if (!(at + length <= bytes.length)) throw new Error(`field ${field} of wire type ${type} runs past the end`)
      fields.push({ field, value: bytes.subarray(at, at + length) })
      at += length
    }
  }
  return fields
}

export function messagesOf(bytes: Buffer, field: number): Buffer[] {
  return readFields(bytes).flatMap((one) => (one.field === field && Buffer.isBuffer(one.value) ? [one.value] : []))
}

export function textOf(bytes: Buffer, field: number): string {
  return messagesOf(bytes, field)[0]?.toString('utf8') ?? ''
}

export function hexOf(bytes: Buffer, field: number): string {
  return messagesOf(bytes, field)[0]?.toString('hex') ?? ''
}

export function numberOf(bytes: Buffer, field: number): number | undefined {
  const value = readFields(bytes).find((one) => one.field === field)?.value
  if (value === undefined) return undefined
  if (!Buffer.isBuffer(value)) return Number(value)
  return value.length === 8 ? Number(value.readBigInt64LE()) : value.readInt32LE()
}

export function doubleOf(bytes: Buffer, field: number): number | undefined {
  return messagesOf(bytes, field)[0]?.readDoubleLE()
}
