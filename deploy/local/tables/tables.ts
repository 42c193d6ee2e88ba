import { type ChildProcess, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { EventEmitter } from 'node:events'
import type { AddressInfo } from 'node:net'
import { connect, createServer, type Socket } from 'node:net'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

export interface TablesServer {
  port: number
  /** For `AZURE_TABLES_CONNECTION_STRING`. */
  connectionString: string
  faults: TablesFaults
  /** The witness. */
  events: EventEmitter<TablesEvents>
  close(): Promise<void>
}

/** A write as the table service judged it, told before its answer is passed on. */
export interface TableWrite {
  method: string
  path: string
  /** What the client sent, headers included. */
  sent: string
  status: number
}

export interface TablesEvents {
  written: [TableWrite]
}

export interface TablesFaults {
  /** Connections are refused by closing them, and open ones are cut. */
  outage(on: boolean): void
  /** Each connection's bytes arrive this much later, in milliseconds. */
  delay(ms: number): void
  clear(): void
}

const account = 'enricherlocal'

/**
 * Starts Azurite's table service in a process of its own, in memory or in a folder, behind a proxy that can play an outage.
 * The account's key is made at start.
 */
export async function startTables(options: { port?: number; location?: string } = {}): Promise<TablesServer> {
  const key = randomBytes(64).toString('base64')
  const program = fileURLToPath(new URL('./main.ts', import.meta.url))
  const place = options.location === undefined ? [] : ['--location', options.location]
  const azurite = spawn(process.execPath, [program, ...place], {
    env: { ...process.env, AZURITE_ACCOUNTS: `${account}:${key}` },
    // Its standard input is this process's life: it ends when the pipe breaks.
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  const endpoint = new URL(await firstEndpoint(azurite))

  const sockets = new Set<Socket>()
  let out = false
  let delayMs = 0
  const events = new EventEmitter<TablesEvents>().setMaxListeners(0)
  const proxy = createServer((client) => {
    if (out) {
      client.destroy()
      return
    }
    const upstream = connect(Number(endpoint.port), '127.0.0.1')
    witness(client, upstream, events)
    for (const [from, to] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      sockets.add(from)
      from.setNoDelay(true)
      from.on('data', (bytes) => {
        if (delayMs > 0 && from === client) setTimeout(() => to.write(bytes), delayMs)
        else to.write(bytes)
      })
      from.on('close', () => {
        sockets.delete(from)
        to.destroy()
      })
      from.on('error', () => from.destroy())
    }
  })
  await new Promise<void>((resolve, reject) => {
    proxy.once('error', reject)
    proxy.listen(options.port ?? 0, '127.0.0.1', resolve)
  })
  const { port } = proxy.address() as AddressInfo
  const cut = () => {
    for (const socket of sockets) socket.destroy()
  }
  return {
    port,
    connectionString: `DefaultEndpointsProtocol=http;AccountName=${account};AccountKey=${key};TableEndpoint=http://127.0.0.1:${port}/${account};`,
    events,
    faults: {
      outage: (on) => {
        out = on
        if (on) cut()
      },
      delay: (ms) => {
        delayMs = ms
      },
      clear: () => {
        out = false
        delayMs = 0
      },
    },
    close: async () => {
      cut()
      proxy.close()
      if (azurite.exitCode !== null || azurite.signalCode !== null) return
      const gone = new Promise((resolve) => azurite.once('exit', resolve))
      azurite.kill('SIGTERM')
      const force = setTimeout(() => azurite.kill('SIGKILL'), 3_000)
      await gone
      clearTimeout(force)
    },
  }
}

/** Reads along. The client sends its next request only after the answer, so what it sent since the last one is one request. */
function witness(client: Socket, upstream: Socket, events: EventEmitter<TablesEvents>): void {
  let sent = ''
  client.on('data', (bytes) => {
    sent += bytes.toString('latin1')
  })
  upstream.on('data', (bytes) => {
    const status = /^HTTP\/1\.1 (\d{3})/.exec(bytes.toString('latin1', 0, 16))?.[1]
    if (status === undefined) return
    const [, method = '', path = ''] = /^(\w+) (\S+)/.exec(sent) ?? []
    if (method !== 'GET') events.emit('written', { method, path, sent, status: Number(status) })
    sent = ''
  })
}

/** Reads the program's output until it says where it listens. */
function firstEndpoint(program: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    program.once('exit', (code) => reject(new Error(`Azurite ended with ${code} before it was ready`)))
    program.once('error', reject)
    if (!program.stdout) return reject(new Error('Azurite has no standard output'))
    createInterface({ input: program.stdout }).on('line', (line) => {
      if (line.startsWith('TABLES_ENDPOINT=')) resolve(line.slice('TABLES_ENDPOINT='.length))
    })
  })
}
