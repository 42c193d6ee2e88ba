import { createHash } from 'node:crypto'
import type { ClientInfo } from './resources.ts'

/** The identity behind a bearer token. */
export interface Caller {
  objectId: string
  appId: string
}

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i

/** Reads `oid` and `appid` where the token is a JWT that has them; any other token is an identity of its own. */
export function callerOf(bearer: string): Caller {
  const claims = readClaims(bearer)
  const known = (claim: unknown) => (typeof claim === 'string' && uuid.test(claim) ? claim : undefined)
  return {
    objectId: known(claims.oid) ?? uuidFrom(`object:${bearer}`),
    appId: known(claims.appid) ?? uuidFrom(`application:${bearer}`),
  }
}

export function clientInfoOf(caller: Caller): ClientInfo {
  return { objectId: caller.objectId, name: `application ${caller.appId.slice(0, 8)}` }
}

function readClaims(bearer: string): Record<string, unknown> {
  try {
    const claims: unknown = JSON.parse(Buffer.from(bearer.split('.')[1] ?? '', 'base64url').toString())
    return typeof claims === 'object' && claims !== null ? { ...claims } : {}
  } catch {
    return {}
  }
}

/** A GUID that depends on the text alone. */
export function uuidFrom(text: string): string {
  const hex = createHash('sha256').update(text).digest('hex')
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20, 32)}`
}
