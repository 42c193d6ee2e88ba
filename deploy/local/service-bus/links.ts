import type { Delivery, EventContext, Receiver, Sender } from 'rhea'
import { amqpError, outcomes, rawBytesOf, swapGuidOrder } from './amqp-values.ts'
import type { FaultState } from './faults.ts'
import { messagesOf, serverBusy } from './management.ts'
import { BrokerError, type Consumer, type Queue, type SettledOutcome } from './queue.ts'
import { readMessage, type StoredMessage, writeMessage } from './stored-message.ts'

/** What the library's types do not show of a link. */
interface LinkInternals {
  local: { attach: Record<string, unknown> }
  session: { outgoing: { next_delivery_id: number; next_pending_delivery: number; available(): number } }
  _draining?: boolean
  _drained?: boolean
  _get_drain?: () => boolean
  issue_flow?: boolean
  delivery_count: number
  connection: { _register(): void }
}
const inner = (link: Sender | Receiver) => link as unknown as LinkInternals

/** A client's sender: messages come in and are accepted, or rejected with the reason. */
export function acceptSender(receiver: Receiver, queue: Queue, faults: FaultState): void {
  inner(receiver).local.attach.max_message_size = queue.settings.maxMessageBytes
  mirrorSettleModes(receiver)
  receiver.on('message', (context: EventContext) => {
    const delivery = context.delivery as Delivery & { format?: number }
    try {
      if (faults.busy) throw serverBusy()
      const format = (context as unknown as { format?: number }).format ?? 0
      const bytes = format === 0 ? rawBytesOf(context.message as object) : (context.message as unknown as Buffer)
      if (bytes.length > queue.settings.maxMessageBytes) {
        throw new BrokerError(
          'amqp:link:message-size-exceeded',
          `The received message (size:${bytes.length} bytes) exceeds the limit.`,
          413,
        )
      }
      // All of a batch or nothing: each is read before the first is taken in.
      for (const message of messagesOf(bytes, format).map(readMessage)) queue.accept(message)
      delivery.update(true, outcomes.accepted() as never)
    } catch (error) {
      if (!(error instanceof BrokerError)) throw error
      delivery.update(true, outcomes.rejected(error.condition, error.message) as never)
    }
  })
}

/** A client's receiver: messages go out as its credit allows, and its outcomes settle them. */
export function acceptReceiver(
  sender: Sender,
  queue: Queue,
  faults: FaultState,
): { detach(condition: string): void; gone(): void } {
  const link = inner(sender)
  mirrorSettleModes(sender)
  const peekLock = link.local.attach.snd_settle_mode !== 1
  // The client waits for the answer to a drain even when no credit was left; the library answers only used credit.
  link._get_drain = () => {
    if (!link._draining) return false
    const { credit } = sender as unknown as { credit: number }
    link.delivery_count += credit
    ;(sender as unknown as { credit: number }).credit = 0
    return true
  }
  const consumer: Consumer = {
    peekLock,
    credit: () => {
      const { outgoing } = link.session
      // Credit falls when a frame is written, so what was sent and is not written yet is taken off; a drained link has none.
      const pending = outgoing.next_delivery_id - outgoing.next_pending_delivery
      const { credit } = sender as unknown as { credit: number }
      return sender.is_open() && outgoing.available() > 0 ? credit - pending : 0
    },
    deliver: (stored) => send(sender, stored, peekLock),
  }
  const unsubscribe = queue.subscribe(consumer)
  sender.on('sender_flow', () => queue.pump())
  sender.on('sendable', () => queue.pump())
  sender.on('sender_draining', () => {
    // First whatever waits, then the rest of the credit is given back.
    queue.pump()
    setImmediate(() =>
      setImmediate(() => {
        link.issue_flow = true
        link.connection._register()
      }),
    )
  })
  sender.on('settled', () => queue.pump())
  for (const name of ['accepted', 'rejected', 'modified', 'released'] as const) {
    sender.on(name, (context: EventContext) => {
      const { delivery } = context
      if (!delivery || !peekLock) return
      const settle = () => settleByLink(delivery, name, queue)
      if (faults.dispositionDelayMs > 0) setTimeout(settle, faults.dispositionDelayMs).unref()
      else settle()
    })
  }
  return {
    detach: (condition) => {
      unsubscribe()
      sender.close(amqpError(condition, 'The link was detached by the broker.') as never)
    },
    gone: unsubscribe,
  }
}

function send(sender: Sender, stored: StoredMessage, peekLock: boolean): void {
  const bytes = writeMessage(stored, { lockedUntil: peekLock })
  const tag = swapGuidOrder(stored.lock?.token ?? '0'.repeat(32))
  sender.send(bytes as never, tag as never, 0)
}

function settleByLink(
  delivery: Delivery,
  outcome: 'accepted' | 'rejected' | 'modified' | 'released',
  queue: Queue,
): void {
  // With a half of its connection gone, a client's delivery has no link to answer on any more; its effect stands.
  const token = swapGuidOrder(Buffer.from(delivery.tag as unknown as Buffer).toString('hex')).toString('hex')
  const { settled, details } = interpret(delivery, outcome)
  let answer = outcomes.accepted()
  try {
    queue.settle(token, settled, 'link', details)
  } catch (error) {
    if (!(error instanceof BrokerError)) throw error
    answer = outcomes.rejected(error.condition, error.message)
  }
  delivery.update(true, answer as never)
  // Without this the library's ring of deliveries never frees: the client settles only once it has the answer.
  ;(delivery as unknown as { remote_settled: boolean }).remote_settled = true
}

interface RemoteState {
  error?: { condition?: string; info?: Record<string, unknown> }
  undeliverable_here?: boolean
  message_annotations?: Record<string, unknown>
}

function interpret(
  delivery: Delivery,
  outcome: 'accepted' | 'rejected' | 'modified' | 'released',
): {
  settled: SettledOutcome
  details: { reason?: string; description?: string; properties?: Record<string, unknown> }
} {
  const state = (delivery.remote_state ?? {}) as RemoteState
  switch (outcome) {
    case 'accepted':
      return { settled: 'completed', details: {} }
    case 'released':
      return { settled: 'abandoned', details: {} }
    case 'modified':
      return {
        settled: state.undeliverable_here ? 'deferred' : 'abandoned',
        details: state.message_annotations ? { properties: state.message_annotations } : {},
      }
    case 'rejected': {
      const {
        DeadLetterReason: reason,
        DeadLetterErrorDescription: description,
        ...properties
      } = state.error?.info ?? {}
      return {
        settled: 'dead-lettered',
        details: {
          properties,
          ...(typeof reason === 'string' ? { reason } : {}),
          ...(typeof description === 'string' ? { description } : {}),
        },
      }
    }
  }
}

/** Both sides must say the same settle modes, or the client treats peek-lock as receive-and-delete. */
function mirrorSettleModes(link: Sender | Receiver): void {
  const { attach } = inner(link).local
  attach.snd_settle_mode = link.snd_settle_mode ?? 2
  attach.rcv_settle_mode = link.rcv_settle_mode ?? 0
}
