import type { Socket } from 'node:net'
import rhea, { type Connection, type EventContext, type Message, type Receiver, type Sender } from 'rhea'
import { amqpError, keepRawBytes, outcomes } from './amqp-values.ts'
import type { FaultState } from './faults.ts'
import { acceptReceiver, acceptSender } from './links.ts'
import { manage } from './management.ts'
import type { Queue } from './queue.ts'

export interface AmqpService {
  /** Speaks AMQP on a socket whose first bytes are still unread. */
  accept(socket: Socket): void
  detachReceivers(condition: string): void
}

/** What the library's types do not show of a connection. */
interface ConnectionInternals {
  accept(socket: Socket): void
  abort_idle?: NodeJS.Timeout
  heartbeat_in?: NodeJS.Timeout
  heartbeat_out?: NodeJS.Timeout
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

/** AMQP for queues: `$cbs`, `$management` and the queues' own links. */
export function createAmqpService(queues: ReadonlyMap<string, Queue>, faults: FaultState): AmqpService {
  keepRawBytes()
  const container = rhea.create_container({ id: 'local-service-bus', non_fatal_errors: ['amqp:connection:forced'] })
  container.sasl_server_mechanisms.enable_anonymous()
  const receivers = new Map<Sender, { detach(condition: string): void; gone(): void }>()
  /** Reply links by connection and by the name that requests put into reply_to. */
  const replies = new WeakMap<Connection, Map<string, Sender>>()

  // A client that breaks off or misbehaves must not end the broker.
  const names = [
    'error',
    'protocol_error',
    'connection_error',
    'session_error',
    'sender_error',
    'receiver_error',
    'disconnected',
  ] as const
  for (const name of names) container.on(name, () => {})

  container.on('receiver_open', (context: EventContext) => {
    const receiver = context.receiver as Receiver
    const address = addressOf(receiver.target)
    mirror(receiver, 'target', address)
    if (address === '$cbs' || isManagement(address)) {
      answerRequests(receiver, address)
      return
    }
    const queue = find(address)
    if (queue) acceptSender(receiver, queue, faults)
    else refuse(receiver, address)
  })

  container.on('sender_open', (context: EventContext) => {
    const sender = context.sender as Sender
    const address = addressOf(sender.source)
    mirror(sender, 'source', address)
    if (address === '$cbs' || isManagement(address)) {
      const named = replies.get(context.connection) ?? new Map<string, Sender>()
      replies.set(context.connection, named)
      named.set(sender.name, sender)
      const target = addressOf(sender.target)
      if (target) named.set(target, sender)
      return
    }
    const queue = find(address)
    if (!queue) return refuse(sender, address)
    const link = acceptReceiver(sender, queue, faults)
    receivers.set(sender, link)
    const forget = () => {
      link.gone()
      receivers.delete(sender)
    }
    sender.on('sender_close', forget)
    context.connection.once('disconnected', forget)
    context.connection.once('connection_close', forget)
  })

  function answerRequests(receiver: Receiver, address: string): void {
    receiver.on('message', (context: EventContext) => {
      const request = context.message as Message
      context.delivery?.update(true, outcomes.accepted() as never)
      const reply = address === '$cbs' ? answerToken(request) : answerManagement(address, request)
      if (!reply) return
      const sender = replies.get(context.connection)?.get(String(request.reply_to ?? ''))
      sender?.send({ ...reply, correlation_id: request.message_id })
    })
  }

  /** Every token is good: the local stack has no secrets to guard. */
  function answerToken(request: Message): Message | undefined {
    if (faults.takeCbsFailure()) {
      return { application_properties: { 'status-code': 401, 'status-description': 'InvalidSignature' }, body: '' }
    }
    if (request.application_properties?.operation !== 'put-token') return undefined
    return { application_properties: { 'status-code': 202, 'status-description': 'Accepted' }, body: '' }
  }

  function answerManagement(address: string, request: Message): Message {
    const queue = find(address.replace(/\/\$management$/i, ''))
    const reply = queue
      ? manage(queue, request, faults)
      : {
          status: 404,
          description: `The messaging entity '${address}' could not be found.`,
          condition: 'amqp:not-found',
        }
    return {
      application_properties: {
        statusCode: reply.status,
        statusDescription: reply.description,
        ...(reply.condition ? { errorCondition: rhea.types.wrap_symbol(reply.condition) } : {}),
        ...('com.microsoft:tracking-id' in (request.application_properties ?? {})
          ? { 'com.microsoft:tracking-id': request.application_properties?.['com.microsoft:tracking-id'] }
          : {}),
      },
      body: reply.body,
    }
  }

  function find(address: string): Queue | undefined {
    const path = address.replace(/^\/+/, '').toLowerCase()
    if (path.endsWith('/$deadletterqueue')) return queues.get(path.slice(0, -'/$deadletterqueue'.length))?.deadLetters
    return queues.get(path)
  }

  function refuse(link: Sender | Receiver, address: string): void {
    const text = `The messaging entity 'sb://localhost/${address}' could not be found.`
    link.close(amqpError('amqp:not-found', text) as never)
  }

  return {
    accept: (socket) => {
      const connection = container.create_connection(connectionOptions as never)
      const internals = connection as unknown as ConnectionInternals
      internals.accept(socket)
      // The library leaves its idle timers running when the socket is destroyed under it; they keep the process alive.
      socket.on('close', () => {
        for (const timer of [internals.abort_idle, internals.heartbeat_in, internals.heartbeat_out]) clearTimeout(timer)
      })
    },
    detachReceivers: (condition) => {
      for (const link of receivers.values()) link.detach(condition)
    },
  }
}

const isManagement = (address: string) => /\/\$management$/i.test(address)

function addressOf(terminus: unknown): string {
  const address = (terminus as { address?: unknown } | undefined)?.address
  return typeof address === 'string' ? address : ''
}

function mirror(link: Sender | Receiver, side: 'source' | 'target', address: string): void {
  if (side === 'source') link.set_source({ address } as never)
  else link.set_target({ address } as never)
}
