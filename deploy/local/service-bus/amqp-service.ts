import type { Socket } from 'node:net'
import rhea, { type EventContext, type Receiver, type Sender } from 'rhea'
import { BrokerError, entityNotFound, notAllowed, notImplemented } from './broker-error.ts'
import type { FaultState } from './fault-state.ts'
import { manage, refusal } from './management.ts'
import type { Queue } from './queue.ts'
import { serveReceiver } from './receiver-link.ts'
import { answerToken, managementMessage, ReplyLinks } from './request-link.ts'
import { closeWith, connectionInternals, keepRawBytes, linkInternals } from './rhea-internals.ts'
import { serveSender } from './sender-link.ts'

export interface AmqpService {
  /** Speaks AMQP on a socket whose first bytes are still unread. */
  accept(socket: Socket): void
  detachReceivers(condition: string): void
  /** The links that take messages. */
  receivers(): Iterable<Sender>
  /** Detaches every link to a queue that is gone. */
  queueDeleted(queue: Queue): void
}

const connectionOptions = {
  // Both sides send heartbeats; the client's own limit is 60 s.
  idle_time_out: 30_000,
  max_frame_size: 65_536,
  channel_max: 5_000,
  // The server's rings must outlast the client's, which hold 2,048 deliveries.
  session_buffer_size: { outgoing: 8_192, incoming: 8_192 },
  reconnect: false,
  sender_options: { autosettle: false, treat_modified_as_released: false },
  receiver_options: { autoaccept: false, autosettle: true, credit_window: 1_000 },
}

/** What a client can do wrong, or a socket; none of it may end the broker. */
const clientErrors = ['protocol_error', 'connection_error', 'session_error', 'sender_error', 'receiver_error'] as const

interface OpenLink {
  queue: Queue
  leave(): void
}

/** AMQP for queues: `$cbs`, `$management` and the queues' own links. */
export function createAmqpService(queues: ReadonlyMap<string, Queue>, faults: FaultState): AmqpService {
  keepRawBytes()
  const container = rhea.create_container({ id: 'local-service-bus', non_fatal_errors: ['amqp:connection:forced'] })
  container.sasl_server_mechanisms.enable_anonymous()
  const links = new Map<Sender | Receiver, OpenLink>()
  const replies = new ReplyLinks()
  for (const name of clientErrors) container.on(name, () => undefined)
  container.on('disconnected', () => undefined)
  // The library reports here what a handler threw, too: the broker's own mistakes must be seen.
  container.on('error', (error: Error) => process.emitWarning(error))

  container.on('receiver_open', ({ receiver }: EventContext) => {
    if (!receiver) return
    const address = addressOf(receiver.target)
    receiver.set_target({ address })
    attach(receiver, () => {
      if (address === '$cbs') return replies.serve(receiver, (one) => answerToken(one, faults.takeTokenFailure()))
      if (isManagement(address)) return serveManagement(receiver, address)
      const queue = find(address)
      if (!queue.deadLetters) throw notAllowed('Messages cannot be sent to a dead-letter queue.')
      serveSender(receiver, queue, faults)
      track(receiver, { queue, leave: () => undefined })
    })
  })

  container.on('sender_open', ({ sender }: EventContext) => {
    if (!sender) return
    const address = addressOf(sender.source)
    sender.set_source({ address })
    attach(sender, () => {
      if (address === '$cbs' || isManagement(address)) return replies.add(sender, addressOf(sender.target))
      if (asksForSession(sender.source)) throw notImplemented('A session')
      const queue = find(address)
      track(sender, { queue, leave: serveReceiver(sender, queue, faults) })
    })
  })

  /** An attach that is refused is answered all the same, and then detached with the reason. */
  function attach(link: Sender | Receiver, open: () => void): void {
    // Both sides must say the same settle modes, or the client treats peek-lock as receive-and-delete.
    const { attach: answer } = linkInternals(link).local
    answer.snd_settle_mode = link.snd_settle_mode ?? 2
    answer.rcv_settle_mode = link.rcv_settle_mode ?? 0
    try {
      open()
    } catch (error) {
      if (!(error instanceof BrokerError)) throw error
      closeWith(link, error)
    }
  }

  function track(link: Sender | Receiver, open: OpenLink): void {
    links.set(link, open)
    link.on(link.is_sender() ? 'sender_close' : 'receiver_close', () => forget(link))
  }

  function forget(link: Sender | Receiver): void {
    links.get(link)?.leave()
    links.delete(link)
  }

  function detach(link: Sender | Receiver, error: BrokerError): void {
    forget(link)
    closeWith(link, error)
  }

  function serveManagement(receiver: Receiver, address: string): void {
    const entity = address.replace(/\/\$management$/i, '')
    find(entity)
    replies.serve(receiver, (request) => {
      try {
        // Looked up each time: the queue may have been deleted, or made anew under its name.
        return managementMessage(manage(find(entity), request, faults), request)
      } catch (error) {
        if (error instanceof BrokerError) return managementMessage(refusal(error), request)
        throw error
      }
    })
  }

  function find(address: string): Queue {
    const path = address.replace(/^\/+/, '').toLowerCase()
    if (path.includes('/subscriptions/')) throw notImplemented('A topic')
    const queue = path.endsWith('/$deadletterqueue')
      ? queues.get(path.slice(0, -'/$deadletterqueue'.length))?.deadLetters
      : queues.get(path)
    if (!queue) throw entityNotFound(address)
    return queue
  }

  function receivers(): Sender[] {
    return [...links.keys()].filter((link): link is Sender => link.is_sender())
  }

  return {
    accept: (socket) => {
      const connection = container.create_connection(connectionOptions as never)
      connectionInternals(connection).accept(socket)
      socket.on('close', () => {
        // Else a link whose socket is gone keeps its credit: messages would be delivered to nobody, and stay locked.
        for (const link of links.keys()) if (link.connection === connection) forget(link)
        const internals = connectionInternals(connection)
        internals._disconnected()
        // Else a late write would start its idle timer again, and a process that is done would live for another minute.
        internals.socket_ready = false
      })
    },
    receivers,
    detachReceivers: (condition) => {
      const error = new BrokerError(condition, 503, 'The link was detached by the broker.')
      for (const link of receivers()) detach(link, error)
    },
    queueDeleted: (queue) => {
      for (const [link, open] of [...links]) {
        if (open.queue === queue || open.queue === queue.deadLetters) detach(link, entityNotFound(queue.path))
      }
    },
  }
}

const isManagement = (address: string) => /\/\$management$/i.test(address)

function addressOf(terminus: unknown): string {
  const address = (terminus as { address?: unknown } | undefined)?.address
  return typeof address === 'string' ? address : ''
}

function asksForSession(source: unknown): boolean {
  const filter = (source as { filter?: object } | undefined)?.filter
  return filter !== undefined && filter !== null && 'com.microsoft:session-filter' in filter
}
