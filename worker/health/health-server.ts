import { createServer, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface HealthReport {
  /** The process does its work or can get back to it; false: restart it. */
  live: boolean
  /** It takes messages now. */
  ready: boolean
  /** For `/status`: JSON without secrets and without incident text. */
  status: Record<string, unknown>
}

export interface HealthServer {
  port: number
  close(): Promise<void>
}

/** Serves `/healthz/live`, `/healthz/ready` (200 or 503) and `/status`, on all interfaces: probes come from outside. */
export async function startHealthServer(port: number, report: () => HealthReport): Promise<HealthServer> {
  const server = createServer((request, response) => {
    const path = (request.url ?? '').split('?')[0]
    if (request.method !== 'GET' && request.method !== 'HEAD')
      return answer(response, 405, { error: 'Only GET is served.' })
    const { live, ready, status } = report()
    if (path === '/healthz/live') return answer(response, live ? 200 : 503, { live })
    if (path === '/healthz/ready') return answer(response, ready ? 200 : 503, { ready })
    if (path === '/status') return answer(response, 200, { live, ready, ...status })
    answer(response, 404, { error: 'There are /healthz/live, /healthz/ready and /status.' })
  })
  server.requestTimeout = 5_000
  server.maxConnections = 100
  await listen(server, port)
  return {
    port: (server.address() as AddressInfo).port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

function answer(response: ServerResponse, status: number, body: Record<string, unknown>): void {
  response.writeHead(status, { 'content-type': 'application/json; charset=utf-8', 'cache-control': 'no-store' })
  response.end(`${JSON.stringify(body)}\n`)
}

function listen(server: Server, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, () => {
      server.off('error', reject)
      resolve()
    })
  })
}
