import { EventEmitter } from 'node:events'
import { createServer as createHttpServer, type RequestListener } from 'node:http'
import { createServer as createHttpsServer } from 'node:https'
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import { administer } from './administration.ts'
import { createAmqpService } from './amqp-service.ts'
import { FaultState } from './fault-state.ts'
import { type BrokerFaults, createFaults } from './faults.ts'
import { inspectQueue, type QueueView } from './inspect.ts'
import { Queue } from './queue.ts'
import type { QueueEvents } from './queue-events.ts'
import type { QueueSettings } from './queue-settings.ts'
import { Silence } from './silence.ts'

export type { BrokerFaults } from './faults.ts'
export type { MessageView, QueueView } from './inspect.ts'
export type { QueueEvents } from './queue-events.ts'
export type { QueueSettings } from './queue-settings.ts'

export interface BrokerOptions {
  /** Default 0: a free one. */
  port?: number
  queues?: QueueSettings[]
  /** PEM, for the administration client: it speaks https only. */
  certificate?: { key: string; cert: string }
}

export interface Broker {
  port: number
  /** For the unmodified SDK; the key is a placeholder, as in Microsoft's own emulator. */
  connectionString: string
  faults: BrokerFaults
  /** The witness: what happened to which message. */
  events: EventEmitter<QueueEvents>
  /** @throws Error when there is no such queue */
  inspect(queue: string): QueueView
  /** Closes the port and all connections. The queues' content survives, and so do locks until they end. */
  stop(): Promise<void>
  /** A broker that restarts: same port, same content, all locks and connections gone. */
  restart(): Promise<void>
  /** Ends everything; nothing that keeps the process alive is left. */
  close(): Promise<void>
}

/**
 * Starts a broker on loopback that speaks enough of Azure Service Bus for the unmodified SDK: AMQP 1.0 for messages, and
 * ATOM over https (and http) for administration, all on one port, told apart by the first byte.
 */
export async function startBroker(options: BrokerOptions = {}): Promise<Broker> {
  const events = new EventEmitter<QueueEvents>()
  const queues = new Map(
    (options.queues ?? []).map((settings) => [settings.name.toLowerCase(), new Queue(settings, events)]),
  )
  const state = new FaultState()
  const silence = new Silence()
  const sockets = new Set<Socket>()
  const amqp = createAmqpService(queues, state)
  const administration = { queues, events, faults: state, queueDeleted: amqp.queueDeleted }
  const onRequest: RequestListener = (request, response) =>
    silence.afterwards(() => administer(request, response, administration))
  const http = createHttpServer(onRequest)
  const https = options.certificate ? createHttpsServer(options.certificate, onRequest) : undefined

  const speak = (socket: Socket, firstByte: number | undefined) => {
    if (firstByte === 0x41) amqp.accept(socket)
    else if (firstByte !== 0x16) http.emit('connection', socket)
    else if (https) https.emit('connection', socket)
    else socket.destroy()
  }

  const onSocket = (socket: Socket) => {
    if (state.refusing) {
      socket.resetAndDestroy()
      return
    }
    sockets.add(socket)
    socket.setNoDelay(true)
    socket.on('close', () => sockets.delete(socket))
    socket.on('error', () => socket.destroy())
    silence.afterwards(() => {
      socket.once('readable', () => {
        const first = socket.read() as Buffer | null
        if (!first) return
        socket.unshift(first)
        // The silence may have begun between the connection and its first byte.
        silence.afterwards(() => speak(socket, first[0]))
      })
    })
  }

  let server: Server
  const listen = async (port: number): Promise<number> => {
    server = createServer(onSocket)
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject)
      server.listen(port, '127.0.0.1', resolve)
    })
    return (server.address() as AddressInfo).port
  }
  const port = await listen(options.port ?? 0)

  const stop = async () => {
    if (!server.listening) return
    const closed = new Promise<void>((resolve) => server.close(() => resolve()))
    for (const socket of sockets) socket.destroy()
    await closed
  }

  return {
    port,
    connectionString: `Endpoint=sb://127.0.0.1:${port};SharedAccessKeyName=RootManageSharedAccessKey;SharedAccessKey=SAS_KEY_VALUE;UseDevelopmentEmulator=true`,
    faults: createFaults({
      state,
      silence,
      sockets,
      queues: () => queues.values(),
      detachReceivers: amqp.detachReceivers,
      receivers: amqp.receivers,
    }),
    events,
    inspect: (name) => {
      const queue = queues.get(name.toLowerCase())
      if (!queue) throw new Error(`there is no queue '${name}'`)
      return inspectQueue(queue)
    },
    stop,
    restart: async () => {
      await stop()
      for (const queue of queues.values()) queue.dropLocks()
      await listen(port)
    },
    close: async () => {
      await stop()
      for (const queue of queues.values()) queue.close()
    },
  }
}
