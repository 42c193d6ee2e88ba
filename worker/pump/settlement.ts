import type { DeadLetterOptions, ServiceBusReceivedMessage, ServiceBusReceiver } from '@azure/service-bus'
import type { Delivery } from './delivery.ts'

/** How a message leaves this worker's hands. */
export type Settlement =
  | { settle: 'complete' }
  | { settle: 'abandon' }
  /** Set aside: from then on it is received by its sequence number only. */
  | { settle: 'defer' }
  | { settle: 'dead-letter'; reason: string; description: string; properties: Record<string, string> }

/** `settled` as far as the broker said; `unknown` when it said nothing in time: the lock ends, and the message comes again. */
export type SettlementResult = { settled: true; via: 'link' | 'management' } | { settled: false; code: string }

/**
 * Settles a message within seconds. A settlement may lie: after a reconnect the SDK matches answers by a delivery id that
 * starts at 0 again, so a message whose link is gone is settled over `$management`, through a client that never saw the
 * link. Whatever this returns, processing must be idempotent.
 *
 * @param control a receiver of another client than the message's own
 */
export async function settleDelivery(
  delivery: Pick<Delivery, 'message' | 'receiver'>,
  settlement: Settlement,
  control: ServiceBusReceiver,
): Promise<SettlementResult> {
  await ownTurn()
  if (linkIsOpen(delivery.message)) {
    try {
      await apply(delivery.receiver, delivery.message, settlement)
      return { settled: true, via: 'link' }
    } catch (error) {
      if (hasCode(error, 'MessageLockLost')) return { settled: false, code: 'MessageLockLost' }
    }
  }
  try {
    await within(managementTimeoutMs, apply(control, withoutOutcome(delivery.message), settlement))
    return { settled: true, via: 'management' }
  } catch (error) {
    return { settled: false, code: codeOf(error) }
  }
}

/**
 * One settlement per turn of the event loop. rhea writes the outcomes of one turn together, and joins two neighbours into one
 * range with the first's outcome even when they differ (session.js, write_dispositions): of two messages settled at once,
 * a completed one could be dead-lettered, or a dead letter get its neighbour's reason, or be lost.
 */
let turns: Promise<void> = Promise.resolve()
function ownTurn(): Promise<void> {
  turns = turns.then(() => new Promise((resolve) => setImmediate(resolve)))
  return turns
}

/** The SDK waits a minute for an answer over `$management`, whatever its options say: a lost connection would hold a slot so long. */
const managementTimeoutMs = 6_000

async function within(limitMs: number, work: Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const limit = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(Object.assign(new Error('no answer'), { code: 'ServiceTimeout' })), limitMs)
  })
  // Whatever it still says later is of no interest.
  work.catch(() => undefined)
  await Promise.race([work, limit]).finally(() => clearTimeout(timer))
}

function apply(
  receiver: ServiceBusReceiver,
  message: ServiceBusReceivedMessage,
  settlement: Settlement,
): Promise<void> {
  switch (settlement.settle) {
    case 'complete':
      return receiver.completeMessage(message)
    case 'abandon':
      return receiver.abandonMessage(message)
    case 'defer':
      return receiver.deferMessage(message)
    case 'dead-letter': {
      const options: DeadLetterOptions & Record<string, string> = {
        ...settlement.properties,
        deadLetterReason: settlement.reason,
        deadLetterErrorDescription: settlement.description,
      }
      return receiver.deadLetterMessage(message, options)
    }
  }
}

interface AmqpDelivery {
  link?: { name: string; is_open(): boolean }
  remote_settled?: boolean
}

/** The AMQP delivery behind an SDK message: not in its types, but the only thing that knows its own link. */
function amqpDelivery(message: ServiceBusReceivedMessage): AmqpDelivery | undefined {
  return (message as { delivery?: AmqpDelivery }).delivery
}

function linkIsOpen(message: ServiceBusReceivedMessage): boolean {
  return amqpDelivery(message)?.link?.is_open() ?? false
}

/**
 * The same message for the second try. The first may have marked the delivery as settled by another's answer, and the SDK
 * then refuses to settle; a copy with a delivery that has no link goes over `$management` in any client.
 */
function withoutOutcome(message: ServiceBusReceivedMessage): ServiceBusReceivedMessage {
  return Object.assign(Object.create(Object.getPrototypeOf(message) as object), message, {
    delivery: {},
  }) as ServiceBusReceivedMessage
}

function hasCode(error: unknown, code: string): boolean {
  const errors = error instanceof AggregateError ? error.errors : [error]
  return errors.some((one) => (one as { code?: unknown } | null)?.code === code)
}

/** A short code for the log: the SDK's, the first of an AggregateError's, or the error's class. */
export function codeOf(error: unknown): string {
  const first: unknown = error instanceof AggregateError ? error.errors.at(-1) : error
  const { code, name } = (first ?? {}) as { code?: unknown; name?: unknown }
  return typeof code === 'string' && code ? code.slice(0, 64) : typeof name === 'string' ? name.slice(0, 64) : 'Unknown'
}
