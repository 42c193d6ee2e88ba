import type { TokenCredential } from '@azure/identity'
import * as z from 'zod'
import type { CheckResult } from './check-result.ts'

/** Who signs in, as the token says it; read without verifying, for display only. */
export interface Identity {
  objectId: string | undefined
  clientId: string | undefined
  tenantId: string | undefined
  /** A person's sign-in name, where a person is signed in. */
  user: string | undefined
}

const text = z.string().optional()
const claimsSchema = z.object({ oid: text, appid: text, azp: text, tid: text, upn: text, preferred_username: text })

/** Whether the identity gets a token for ARM, and which identity it is. The token itself is never told. */
export async function checkIdentity(
  credential: () => TokenCredential,
  resourceManagerUrl: string,
  signal: AbortSignal,
): Promise<{ results: CheckResult[]; identity: Identity | undefined }> {
  try {
    const token = await credential().getToken(`${resourceManagerUrl}/.default`, { abortSignal: signal })
    if (!token) throw new Error('no token')
    const identity = readIdentity(token.token)
    const who = identity.user ? `user ${identity.user}` : `application ${identity.clientId ?? 'of unknown id'}`
    const says = `signs in to ARM as ${who}, object ${identity.objectId ?? 'unknown'}, tenant ${identity.tenantId ?? 'unknown'}`
    return { results: [{ what: 'identity', status: 'passed', says }], identity }
  } catch (error) {
    const name = error instanceof Error ? error.name : typeof error
    const result: CheckResult = {
      what: 'identity',
      status: 'failed',
      says: `it gets no token for ${resourceManagerUrl} (${name})`,
      todo: 'Assign the managed identity to this container app and set AZURE_CLIENT_ID to its client id; on a desk, run az login.',
    }
    return { results: [result], identity: undefined }
  }
}

/** The claims of an access token; an opaque token has none. */
export function readIdentity(token: string): Identity {
  let claims: z.infer<typeof claimsSchema> = {}
  try {
    claims = claimsSchema.parse(JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString('utf8')))
  } catch {
    // Not a JWT: it says nothing about whom it is for.
  }
  return {
    objectId: claims.oid,
    clientId: claims.appid ?? claims.azp,
    tenantId: claims.tid,
    user: claims.upn ?? claims.preferred_username,
  }
}
