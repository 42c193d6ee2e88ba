import { randomBytes, randomUUID } from 'node:crypto'

export interface IssuedToken {
  token: string
  /** As the client asked for it. */
  resource: string
  clientId: string
  /** Unix seconds. */
  issuedAt: number
  /** Unix seconds. */
  expiresOn: number
}

/**
 * Makes an access token of Microsoft Entra ID's shape. Its signature is random bytes: nobody can verify it, and nobody
 * can guess it, so only the endpoint that issued it can say whether it is good.
 */
export function issueToken(
  resource: string,
  identity: { clientId: string; objectId: string; tenantId: string },
  expiresInSeconds: number,
): IssuedToken {
  const issuedAt = Math.floor(Date.now() / 1000)
  const expiresOn = issuedAt + expiresInSeconds
  const encode = (part: object) => Buffer.from(JSON.stringify(part)).toString('base64url')
  const header = encode({ typ: 'JWT', alg: 'RS256', kid: 'local-stack' })
  const claims = encode({
    aud: resource,
    iss: `https://sts.windows.net/${identity.tenantId}/`,
    iat: issuedAt,
    nbf: issuedAt,
    exp: expiresOn,
    appid: identity.clientId,
    oid: identity.objectId,
    sub: identity.objectId,
    tid: identity.tenantId,
    idtyp: 'app',
    uti: randomUUID(),
    ver: '1.0',
  })
  const token = `${header}.${claims}.${randomBytes(64).toString('base64url')}`
  return { token, resource, clientId: identity.clientId, issuedAt, expiresOn }
}
