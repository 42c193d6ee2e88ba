import { EventEmitter } from 'node:events'
import { createServer as createHttpServer } from 'node:http'
import { createServer as createHttpsServer } from 'node:https'
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import { administer } from './administration.ts'
import { createAmqpService } from './amqp-service.ts'
import { type BrokerFaults, createFaults, FaultState, muteSocket } from './faults.ts'
import { Queue, type QueueEvents, type QueueSettings } from './queue.ts'
import { bodyOf, type StoredMessage } from './stored-message.ts'

export type { BrokerFaults } from './faults.ts'
export type { QueueEvents, QueueSettings } from './queue.ts'

export interface BrokerOptions {
  /** Default: a free one. */
  port?: number
  queues?: QueueSettings[]
  /** PEM, for the administration client: it speaks https only. */
  certificate?: { key: string; cert: string }
}

/** A message as a test sees it. */
export interface MessageView {
  sequenceNumber: number
  messageId: string
  applicationProperties: Record<string, unknown>
  /** Bytes of a data section, or the AMQP value. */
  body: unknown
  deliveryCount: number
  enqueuedAtMs: number
  scheduledForMs?: number
  /** Milliseconds since the epoch, while somebody holds it. */
  lockedUntil?: number
  deadLetterReason?: string
  deadLetterDescription?: string
}

export interface Broker {
  port: number
  /** For the unmodified SDK; the key is a placeholder, as in Microsoft's own emulator. */
  connectionString: string
  faults: BrokerFaults
  /** The witness: what happened to which message. */
  events: EventEmitter<QueueEvents>
  inspect(queue: string): {
    active: MessageView[]
    scheduled: MessageView[]
    deferred: MessageView[]
    deadLettered: MessageView[]
  }
  /** Closes the port and all connections; the queues' content survives. */
  stop(): Promise<void>
  /** A broker that restarts: same port, same content, all locks and connections gone. */
  restart(): Promise<void>
  close(): Promise<void>
}

/**
 * Starts a broker that speaks enough of Azure Service Bus for the unmodified SDK: AMQP 1.0 for messages, and ATOM over
 * https (and http) for administration, all on one port, told apart by the first byte.
 */
export async function startBroker(options: BrokerOptions = {}): Promise<Broker> {
  const events = new EventEmitter<QueueEvents>()
  const queues = new Map<string, Queue>()
  for (const settings of options.queues ?? []) queues.set(settings.name.toLowerCase(), new Queue(settings, events))
  const state = new FaultState()
  const sockets = new Set<Socket>()
  const amqp = createAmqpService(queues, state)
  const administration = { queues, events, faults: state }
  const http = createHttpServer((request, response) => administer(request, response, administration))
  const https = options.certificate
    ? createHttpsServer(options.certificate, (request, response) => administer(request, response, administration))
    : undefined

  const onSocket = (socket: Socket) => {
    if (state.refusing) {
      socket.resetAndDestroy()
      return
    }
    sockets.add(socket)
    socket.setNoDelay(true)
    socket.on('close', () => sockets.delete(socket))
    socket.on('error', () => socket.destroy())
    if (state.mute) {
      muteSocket(socket)
      return
    }
    socket.once('readable', () => {
      const first = socket.read() as Buffer | null
      if (!first) return
      socket.unshift(first)
      if (first[0] === 0x41) amqp.accept(socket)
      else if (first[0] === 0x16) https ? https.emit('connection', socket) : socket.destroy()
      else http.emit('connection', socket)
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
    const closed = new Promise<void>((resolve) => server.close(() => resolve()))
    for (const socket of sockets) socket.destroy()
    await closed
  }

  return {
    port,
    connectionString: `Endpoint=sb://127.0.0.1:${port};SharedAccessKeyName=RootManageSharedAccessKey;SharedAccessKey=SAS_KEY_VALUE;UseDevelopmentEmulator=true`,
    faults: createFaults(state, { sockets, queues: () => queues.values(), detachReceivers: amqp.detachReceivers }),
    events,
    inspect: (name) => inspect(queues.get(name.toLowerCase())),
    stop,
    restart: async () => {
      if (server.listening) await stop()
      for (const queue of queues.values()) queue.dropLocks()
      await listen(port)
    },
    close: async () => {
      if (server.listening) await stop()
      for (const queue of queues.values()) queue.close()
      http.close()
      https?.close()
    },
  }
}

function inspect(queue: Queue | undefined): ReturnType<Broker['inspect']> {
  if (!queue) throw new Error('there is no such queue')
  const all = queue.all()
  const inState = (...states: StoredMessage['state'][]) => all.filter((one) => states.includes(one.state)).map(viewOf)
  return {
    active: all
      .filter((one) => (one.state === 'active' || one.state === 'locked') && one.home === 'active')
      .map(viewOf),
    scheduled: inState('scheduled'),
    deferred: all.filter((one) => one.home === 'deferred').map(viewOf),
    deadLettered: queue.deadLetters?.all().map(viewOf) ?? [],
  }
}

function viewOf(stored: StoredMessage): MessageView {
  const { DeadLetterReason: reason, DeadLetterErrorDescription: description } = stored.applicationProperties
  return {
    sequenceNumber: stored.sequence,
    messageId: stored.messageId,
    applicationProperties: { ...stored.applicationProperties },
    body: bodyOf(stored),
    deliveryCount: stored.deliveryCount,
    enqueuedAtMs: stored.enqueuedAtMs,
    ...(stored.scheduledForMs === undefined ? {} : { scheduledForMs: stored.scheduledForMs }),
    ...(stored.lock ? { lockedUntil: stored.lock.untilMs } : {}),
    ...(typeof reason === 'string' ? { deadLetterReason: reason } : {}),
    ...(typeof description === 'string' ? { deadLetterDescription: description } : {}),
  }
}
