/**
 * A delivery tag is the lock token in the byte order of a .NET Guid, the first three groups little-endian, while
 * management carries it as RFC 9562 says. The swap is its own inverse.
 */
function swapGuidOrder(bytes: Buffer): Buffer {
  bytes.subarray(0, 4).reverse()
  bytes.subarray(4, 6).reverse()
  bytes.subarray(6, 8).reverse()
  return bytes
}

/** @param token 32 hex digits in the order of RFC 9562 */
export function tagOfToken(token: string): Buffer {
  return swapGuidOrder(Buffer.from(token, 'hex'))
}

export function tokenOfTag(tag: Buffer | string): string {
  return swapGuidOrder(Buffer.from(tag as Buffer)).toString('hex')
}

/** The lock token of a management request, 16 bytes or the text of a UUID, as 32 hex digits. */
export function tokenOfValue(value: unknown): string {
  return Buffer.isBuffer(value) ? value.toString('hex') : String(value).replaceAll('-', '').toLowerCase()
}
