import { randomInt } from 'node:crypto'

let counter = randomInt(0x7fffffff)

/** A new etag. The quotes are part of the value, as in the real one's JSON: `"\"0300bf09-0000-0000-0000-5c37296e0000\""`. */
export function nextEtag(): string {
  counter = (counter + 1) >>> 0
  const version = counter.toString(16).padStart(8, '0')
  const seconds = Math.floor(Date.now() / 1000).toString(16)
  return `"${version}-0000-0d00-0000-${seconds}0000"`
}

/** Old examples show etags without the inner quotes, so both spellings name the same version. */
export function sameEtag(left: string, right: string): boolean {
  const bare = (etag: string) => etag.replaceAll('"', '')
  return bare(left) === bare(right)
}
