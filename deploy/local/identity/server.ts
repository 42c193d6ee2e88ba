import { randomUUID } from 'node:crypto'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type IssuedToken, issueToken } from './token.ts'

/** The version of the protocol that App Service and Container Apps speak. */
const apiVersion = '2019-08-01'

export interface IdentityOptions {
  /** Default: a free one. */
  port?: number
  /** Default 3600. */
  expiresInSeconds?: number
  /** The user-assigned identity that exists; another `client_id` is refused. Default: any is taken. */
  clientId?: string
  /** What `X-IDENTITY-HEADER` must say. Default: a random one. */
  secret?: string
}

export interface IdentityServer {
  port: number
  /** What a process needs so that `ManagedIdentityCredential` finds this endpoint. */
  environment: { IDENTITY_ENDPOINT: string; IDENTITY_HEADER: string }
  /** Every token that was handed out, in order. */
  issued: IssuedToken[]
  /** Whether the token came from here, for this resource if one is given, and has not expired. */
  accepts(token: string, resource?: string): boolean
  faults: {
    /** The next `times` requests get this status. */
    fail(status: number, times: number): void
    clear(): void
  }
  close(): Promise<void>
}

interface Refusal {
  status: number
  message: string
}

/**
 * Starts a managed identity endpoint as App Service has it: `GET IDENTITY_ENDPOINT?resource=&api-version=2019-08-01`
 * with the secret in `X-IDENTITY-HEADER` ("How to use managed identities", REST endpoint reference).
 */
export async function startIdentity(options: IdentityOptions = {}): Promise<IdentityServer> {
  const secret = options.secret ?? randomUUID()
  const issued: IssuedToken[] = []
  const byToken = new Map<string, IssuedToken>()
  const identity = { clientId: options.clientId ?? randomUUID(), objectId: randomUUID(), tenantId: randomUUID() }
  let fault = { status: 0, times: 0 }

  function answer(request: IncomingMessage): IssuedToken | Refusal {
    if (fault.times > 0) {
      fault.times -= 1
      return { status: fault.status, message: 'The managed identity service failed to get a token.' }
    }
    const address = new URL(request.url ?? '/', 'http://127.0.0.1')
    if (address.pathname !== '/msi/token') return { status: 404, message: 'Not found.' }
    if (request.method !== 'GET') return { status: 405, message: 'Only GET is supported.' }
    if (request.headers['x-identity-header'] !== secret) {
      return { status: 401, message: "The header 'X-IDENTITY-HEADER' is missing or has the wrong value." }
    }
    const query = address.searchParams
    if (query.get('api-version') !== apiVersion) {
      return { status: 400, message: `Unsupported api-version '${query.get('api-version') ?? ''}'.` }
    }
    const resource = query.get('resource')
    if (!resource) return { status: 400, message: "The parameter 'resource' is required." }
    const clientId = query.get('client_id')
    if (clientId && options.clientId && clientId.toLowerCase() !== options.clientId.toLowerCase()) {
      return {
        status: 400,
        message: 'No User Assigned or Delegated Managed Identity found for specified ClientId/ResourceId/PrincipalId.',
      }
    }
    return issueToken(
      resource,
      { ...identity, clientId: clientId ?? identity.clientId },
      options.expiresInSeconds ?? 3600,
    )
  }

  const server = createServer((request, response) => {
    request.resume()
    const result = answer(request)
    const refused = 'message' in result
    if (!refused) {
      issued.push(result)
      byToken.set(result.token, result)
    }
    const body = refused
      ? { statusCode: result.status, message: result.message, correlationId: randomUUID() }
      : {
          access_token: result.token,
          client_id: result.clientId,
          expires_on: String(result.expiresOn),
          not_before: String(result.issuedAt),
          resource: result.resource,
          token_type: 'Bearer',
        }
    response.writeHead(refused ? result.status : 200, { 'Content-Type': 'application/json; charset=utf-8' })
    response.end(JSON.stringify(body))
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(options.port ?? 0, '127.0.0.1', resolve)
  })
  const { port } = server.address() as AddressInfo

  return {
    port,
    environment: { IDENTITY_ENDPOINT: `http://127.0.0.1:${port}/msi/token`, IDENTITY_HEADER: secret },
    issued,
    accepts(token, resource) {
      const known = byToken.get(token)
      if (!known || known.expiresOn <= Date.now() / 1000) return false
      return resource === undefined || known.resource.replace(/\/$/, '') === resource.replace(/\/$/, '')
    },
    faults: {
      fail: (status, times) => {
        fault = { status, times }
      },
      clear: () => {
        fault = { status: 0, times: 0 }
      },
    },
    async close() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()))
      server.closeAllConnections()
      await closed
    },
  }
}
