import rhea, { type Connection, type EventContext, type Message, type Receiver, type Sender } from 'rhea'
import type { ManagementReply } from './management.ts'
import { accept, deliveryInternals } from './rhea-internals.ts'

/**
 * Request and reply over a pair of links. A request names the link for its reply in `reply_to`: by the link's name on
 * `$cbs`, by its target's address on `$management`. Names are only unique within a connection.
 */
export class ReplyLinks {
  readonly #links = new WeakMap<Connection, Map<string, Sender>>()

  add(sender: Sender, targetAddress: string): void {
    const named = this.#links.get(sender.connection) ?? new Map<string, Sender>()
    this.#links.set(sender.connection, named)
    const names = targetAddress ? [sender.name, targetAddress] : [sender.name]
    for (const name of names) named.set(name, sender)
    sender.on('sender_close', () => {
      for (const name of names) if (named.get(name) === sender) named.delete(name)
    })
  }

  /** Answers each request that comes in on a link; undefined is no answer at all. */
  serve(receiver: Receiver, answer: (request: Message) => Message | undefined): void {
    receiver.on('message', ({ connection, delivery, message: request }: EventContext) => {
      if (!delivery || !request) return
      accept(delivery)
      const reply = answer(request)
      const sender = this.#links.get(connection)?.get(String(request.reply_to ?? ''))
      if (!reply || !sender) return
      // Settled as they are sent. Unsettled ones would fill the library's ring and end the session after 8,192 replies, and
      // the client's answer to each would delay its next request by the 40 ms in which Nagle waits for a delayed ACK.
      deliveryInternals(sender.send({ ...reply, correlation_id: request.message_id as string })).settled = true
    })
  }
}

/** Every token is good: the local stack has no secrets to guard. */
export function answerToken(request: Message, refused: boolean): Message | undefined {
  if (request.application_properties?.operation !== 'put-token') return undefined
  const [status, text] = refused ? [401, 'InvalidSignature: The token has an invalid signature.'] : [202, 'Accepted']
  return { application_properties: { 'status-code': status, 'status-description': text }, body: '' }
}

/** `$management` writes its names in camel case, where `$cbs` writes them with dashes. */
export function managementMessage(reply: ManagementReply, request: Message): Message {
  const trackingId: unknown = request.application_properties?.['com.microsoft:tracking-id']
  return {
    application_properties: {
      statusCode: reply.status,
      statusDescription: reply.description,
      ...(reply.condition ? { errorCondition: rhea.types.wrap_symbol(reply.condition) } : {}),
      ...(trackingId === undefined ? {} : { 'com.microsoft:tracking-id': trackingId }),
    },
    body: reply.body,
  }
}
