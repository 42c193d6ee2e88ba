import { randomUUID } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer } from 'node:https'
import type { AddressInfo, Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { type ApiContext, type ArmAnswer, answerWith } from './arm-call.ts'
import { ArmError, authenticationFailed } from './arm-error.ts'
import { type ArmPath, parseArmPath } from './arm-path.ts'
import { type Caller, callerOf } from './caller.ts'
import { FaultBoard, type FaultTarget, type SentinelFaults } from './faults.ts'
import { IncidentTable } from './incident-table.ts'
import { readBody } from './read-body.ts'
import { route } from './route.ts'
import type { SeedIncident } from './seed-incident.ts'
import { createSentinelEvents, type SentinelEvents } from './sentinel-events.ts'
import { createStore, type SentinelStore } from './store.ts'
import { createThrottle } from './throttle.ts'

/** The only version that is served: the newest stable one. */
export const apiVersion = '2025-09-01'

export interface SentinelOptions {
  /** Default: a free one. */
  port?: number
  /** PEM. */
  certificate: { key: string; cert: string }
  seeds?: readonly SeedIncident[]
  /** Added to every answer, in milliseconds. Default 0. */
  latencyMs?: number
  /** Whether ARM's token buckets refuse. Default true. */
  throttle?: boolean
  /** Default: every bearer token that is not empty. */
  acceptToken?: (bearer: string) => boolean
  /** Tasks on one page of a list. Default 50. */
  taskPageSize?: number
}

export interface SentinelServer {
  port: number
  /** `https://127.0.0.1:PORT`, the value of `AZURE_RESOURCE_MANAGER_URL`. */
  url: string
  store: SentinelStore
  events: SentinelEvents
  faults: SentinelFaults
  close(): Promise<void>
}

/**
 * Starts the part of Azure Resource Manager and Microsoft Sentinel that an incident worker talks to: incidents, tasks,
 * comments, relations and the alerts, bookmarks and entities of an incident, over TLS on the loopback interface.
 */
export async function startSentinel(options: SentinelOptions): Promise<SentinelServer> {
  const table = new IncidentTable()
  for (const seed of options.seeds ?? []) table.addSeed(seed)
  const events = createSentinelEvents()
  const throttle = createThrottle(options.throttle ?? true)
  const closing = new AbortController()
  const sockets = new Set<Socket>()
  let down = false
  const board = new FaultBoard((on) => {
    down = on
    if (on) for (const socket of sockets) socket.destroy()
  })
  const context: ApiContext = {
    table,
    events,
    beforeWrite: () => board.beforeWrite,
    taskPageSize: options.taskPageSize ?? 50,
  }

  const server = createServer({ ...options.certificate, keepAlive: true, noDelay: true }, (request, response) => {
    serve(request, response).catch((error: unknown) => {
      request.socket.destroy()
      // Clients that hang up and the server's own end are no news. Anything else is a defect here or in a test's hook.
      if (!closing.signal.aborted && !isHangUp(error)) console.error('sentinel simulator:', error)
    })
  })
  // Longer than clients keep idle connections: none of them may meet a close on its next request.
  server.keepAliveTimeout = 120_000
  // The raw socket: an outage must hit clients that are still shaking hands.
  server.on('connection', (socket: Socket) => {
    if (down) return void socket.destroy()
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
  })
  server.on('tlsClientError', () => {})
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(options.port ?? 0, '127.0.0.1', resolve)
  })
  const { port } = server.address() as AddressInfo
  const url = `https://127.0.0.1:${port}`

  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const method = request.method ?? 'GET'
    const address = new URL(request.url ?? '/', `https://${request.headers.host ?? `127.0.0.1:${port}`}`)
    const path = parseArmPath(address.pathname)
    const target: FaultTarget = { method, pathname: address.pathname, path }
    const about = { method, path: address.pathname, ...(path?.incident && { incident: path.incident.toLowerCase() }) }
    const headers = answerHeaders(request)
    let answer: ArmAnswer
    let applied = false
    try {
      answer = await judge(request, target, address, headers)
      applied = true
    } catch (error) {
      if (!(error instanceof ArmError)) throw error
      Object.assign(headers, error.headers)
      answer = answerWith(error.status, { error: { code: error.code, message: error.message } })
      events.emit('refused', { ...about, status: error.status, code: error.code })
    }

    const dropped = applied && board.dropsAnswer(target)
    const delayMs = (options.latencyMs ?? 0) + board.delayMs(target)
    if (delayMs > 0) await sleep(delayMs, undefined, { signal: closing.signal })
    if (dropped || down) request.socket.destroy()
    else if (answer.text === undefined) response.writeHead(answer.status, { ...headers, 'Content-Length': '0' }).end()
    else
      response
        .writeHead(answer.status, { ...headers, 'Content-Type': 'application/json; charset=utf-8' })
        .end(answer.text)
    const status = dropped || down ? 0 : answer.status
    events.emit('request', { ...about, query: address.search, status, at: Date.now() })
  }

  async function judge(
    request: IncomingMessage,
    target: FaultTarget,
    address: URL,
    headers: Record<string, string>,
  ): Promise<ArmAnswer> {
    const body = await readBody(request)
    const bearer = /^Bearer\s+(\S+)$/i.exec(request.headers.authorization ?? '')?.[1]
    board.refuse(target, callerOf(bearer ?? ''))
    const caller = authenticate(bearer, options.acceptToken)
    const { method } = target
    const known = requirePath(target.path, target.pathname)
    board.forbid(target, caller)
    Object.assign(headers, throttle.take(method, known.subscriptionId, caller))
    requireVersion(address.searchParams)
    const nextLink = (skipToken: string) => {
      const rest = address.search.slice(1).split('&')
      const kept = rest.filter((part) => !/^(\$|%24)skiptoken=/i.test(part))
      return `${address.origin}${address.pathname}?${[...kept, `$skipToken=${skipToken}`].join('&')}`
    }
    return route(
      { method, path: known, pathname: target.pathname, query: address.searchParams, body, caller, nextLink },
      context,
    )
  }

  return {
    port,
    url,
    store: createStore(table, events),
    events,
    faults: board.controls(),
    async close() {
      closing.abort()
      const closed = new Promise<void>((resolve) => server.close(() => resolve()))
      server.closeAllConnections()
      for (const socket of sockets) socket.destroy()
      await closed
    },
  }
}

function answerHeaders(request: IncomingMessage): Record<string, string> {
  const requestId = randomUUID()
  const correlation = request.headers['x-ms-correlation-request-id']
  const clientId = request.headers['x-ms-client-request-id']
  return {
    'x-ms-request-id': requestId,
    'x-ms-correlation-request-id': typeof correlation === 'string' ? correlation : requestId,
    'x-ms-routing-request-id': `LOCAL:${new Date().toISOString()}:${requestId}`,
    ...(typeof clientId === 'string' && { 'x-ms-client-request-id': clientId }),
    'Cache-Control': 'no-cache',
  }
}

function authenticate(bearer: string | undefined, accept: SentinelOptions['acceptToken']): Caller {
  if (bearer === undefined) {
    throw authenticationFailed(
      'AuthenticationFailed',
      "Authentication failed. The 'Authorization' header is missing or has an invalid format.",
    )
  }
  if (accept && !accept(bearer)) {
    throw authenticationFailed('InvalidAuthenticationToken', 'The access token is invalid.')
  }
  return callerOf(bearer)
}

function requirePath(path: ArmPath | undefined, pathname: string): ArmPath {
  if (path) return path
  throw new ArmError(404, 'InvalidResourceType', `No resource of the incidents API has the path '${pathname}'.`)
}

function requireVersion(query: URLSearchParams): void {
  const asked = query.getAll('api-version')
  if (asked.length === 0 || asked[0] === '') {
    throw new ArmError(
      400,
      'MissingApiVersionParameter',
      'The api-version query parameter (?api-version=) is required for all requests.',
    )
  }
  if (asked.length > 1 || asked[0] !== apiVersion) {
    throw new ArmError(
      400,
      'NoRegisteredProviderFound',
      `No registered resource provider found for location 'global' and API version '${asked.join(',')}' for type 'incidents'. The supported api-versions are '${apiVersion}'. The supported locations are 'global'.`,
    )
  }
}

function isHangUp(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ECONNRESET'
}
