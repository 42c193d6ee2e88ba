import type { ServiceBusReceivedMessage, ServiceBusReceiver } from '@azure/service-bus'
import Long from 'long'
import { codeOf, type Settlement, type SettlementResult, settleDelivery } from '../pump/settlement.ts'
import type { DeadLetterQueue } from './dead-letter-queue.ts'
import type { Survey } from './survey.ts'

/**
 * Service Bus hands out messages from the head only, so a dead letter behind others can be reached in two ways:
 *
 * 1. Receive up to it, and hold the lock of every bystander in front until the last wanted one is reached. Nothing but what
 *    was selected changes; but a rate-limited run would lock strangers for hours.
 * 2. Sweep once as fast as the queue gives: defer the wanted ones, abandon the bystanders when the sweep is past the last
 *    wanted one; then take the deferred by their sequence numbers, at any rate. Bystanders are locked for seconds; but
 *    deferring cannot be undone, so other tools can only peek the deferred ones.
 *
 * A run at full speed is as fast as a sweep and spares its second half, so it goes the first way; with a rate, or when the
 * first way has taken `maxHoldMs`, it is the second. Abandoning does not count as a delivery in a dead-letter queue. Where no
 * bystander is in front, as when everything is replayed, neither is needed: messages are taken from the head and moved at once.
 */
export class Taker {
  readonly #queue: DeadLetterQueue
  /** Wanted at the head, until they are taken or set aside. */
  readonly #atHead: Set<string>
  readonly #aside: string[]
  #direct: number
  /** How many the head still holds up to the last wanted one, bystanders included. */
  #span: number
  #headIsEmpty = false
  #mayHold: boolean
  #heldSince: number | undefined
  /** Wanted and locked already, because they lay beyond bystanders. */
  readonly #ready: Taken[] = []
  readonly #receivers: ServiceBusReceiver[] = []
  #received = 0
  readonly #held: { message: ServiceBusReceivedMessage; receiver: ServiceBusReceiver }[] = []

  /** @param atFullSpeed nothing holds the run back for longer than a lock lasts */
  constructor(queue: DeadLetterQueue, survey: Survey, atFullSpeed: boolean) {
    this.#queue = queue
    this.#atHead = new Set(survey.active)
    this.#aside = [...survey.deferred]
    this.#direct = survey.direct
    this.#span = survey.span
    this.#mayHold = atFullSpeed
  }

  /** Takes up to `count` of the wanted ones, locked. None are left, or none can be had, when it gives none. */
  async take(count: number, signal: AbortSignal): Promise<Taken[]> {
    for (;;) {
      signal.throwIfAborted()
      if (this.#ready.length > 0) return this.#ready.splice(0, Math.min(count, maxBatch))
      if (this.#atHead.size === 0 || this.#headIsEmpty) break
      if (this.#direct <= 0) {
        if (this.#mayHold) await this.#passBystanders()
        else await this.#sweep(signal)
        continue
      }
      const wanted = await this.#receive(Math.min(count, this.#direct, maxBatch))
      this.#direct -= wanted.length
      // Others are in front after all: another operator released them meanwhile.
      if (this.#held.length > 0) this.#direct = 0
      if (wanted.length > 0) return wanted
    }
    await this.#releaseHeld()
    for (;;) {
      const wanted = this.#aside.splice(0, Math.min(count, maxBatch))
      if (wanted.length === 0) return []
      const taken = await this.#byNumber(wanted)
      if (taken.length > 0) return taken
    }
  }

  /** Hands back what is held; the links end with their client. */
  async close(): Promise<void> {
    await Promise.all(this.#ready.splice(0).map((one) => one.settle({ settle: 'abandon' })))
    await this.#releaseHeld()
    for (const receiver of this.#receivers) receiver.close().catch(() => undefined)
  }

  /** Receives on, past bystanders whose locks are held, until there are wanted ones or it takes too long. */
  async #passBystanders(): Promise<void> {
    this.#heldSince ??= performance.now()
    while (this.#ready.length === 0 && this.#atHead.size > 0 && !this.#headIsEmpty && this.#mayHold) {
      const wanted = await this.#receive(Math.min(maxBatch, Math.max(1, this.#span)))
      this.#ready.push(...wanted)
      await this.#renewHeld()
      this.#mayHold = performance.now() - this.#heldSince < maxHoldMs
    }
    if (this.#atHead.size === 0) await this.#releaseHeld()
  }

  /** Sets every wanted one aside that the head still holds. */
  async #sweep(signal: AbortSignal): Promise<void> {
    try {
      while (this.#atHead.size > 0 && !this.#headIsEmpty && !signal.aborted) {
        const wanted = await this.#receive(Math.min(maxBatch, Math.max(1, this.#span)))
        const results = await Promise.all(
          wanted.map(async (one) => ({ one, ...(await one.settle({ settle: 'defer' })) })),
        )
        for (const { one, settled } of results) if (settled) this.#aside.push(one.sequence)
        await this.#renewHeld()
      }
    } finally {
      await this.#releaseHeld()
    }
    signal.throwIfAborted()
  }

  async #receive(count: number): Promise<Taken[]> {
    const receiver = this.#receiver(count)
    const messages = await receiver.receiveMessages(count, { maxWaitTimeInMs: emptyAfterMs })
    this.#received += messages.length
    this.#span -= messages.length
    this.#headIsEmpty = messages.length === 0
    const wanted: Taken[] = []
    for (const message of messages) {
      const sequence = message.sequenceNumber?.toString() ?? ''
      if (this.#atHead.delete(sequence)) wanted.push(this.#taken(message, receiver, sequence))
      else this.#held.push({ message: lockOf(message), receiver })
    }
    return wanted
  }

  /** A link whose oldest message is unsettled stops after 2,047 more: a new one is opened well before. */
  #receiver(count: number): ServiceBusReceiver {
    const current = this.#receivers.at(-1)
    if (current && (this.#held.length === 0 || this.#received + count <= maxPerLink)) return current
    const receiver = this.#queue.openReceiver()
    this.#receivers.push(receiver)
    this.#received = 0
    return receiver
  }

  async #byNumber(sequences: string[]): Promise<Taken[]> {
    const { control } = this.#queue
    try {
      const messages = await control.receiveDeferredMessages(sequences.map((one) => Long.fromString(one)))
      return messages.map((message) => this.#taken(message, control, message.sequenceNumber?.toString() ?? ''))
    } catch (error) {
      if (!/MessageNotFound|MessageLockLost/.test(codeOf(error))) throw error
      // One of them is gone, or locked by somebody else, and the service then gives none.
      if (sequences.length === 1) return []
      const halves = [sequences.slice(0, sequences.length / 2), sequences.slice(sequences.length / 2)]
      return (await Promise.all(halves.map((half) => this.#byNumber(half)))).flat()
    }
  }

  #taken(message: ServiceBusReceivedMessage, receiver: ServiceBusReceiver, sequence: string): Taken {
    const { control } = this.#queue
    const settle = async (settlement: Settlement): Promise<SettlementResult> => {
      for (let tries = 1; ; tries++) {
        const result = await settleDelivery({ message, receiver }, settlement, control)
        // The lock outlives a lost connection: the same settlement can be asked for again over a new one.
        if (result.settled || result.code === 'MessageLockLost' || tries >= maxSettleTries) return result
      }
    }
    return { message, sequence, settle }
  }

  /** A sweep longer than a lock would meet the same bystanders again. */
  async #renewHeld(): Promise<void> {
    const soon = Date.now() + renewWhenLeftMs
    const due = this.#held.filter(({ message }) => (message.lockedUntilUtc?.getTime() ?? 0) < soon)
    await Promise.all(due.map(({ message }) => this.#queue.control.renewMessageLock(message).catch(() => undefined)))
  }

  async #releaseHeld(): Promise<void> {
    // One that cannot be released comes back when its lock ends.
    while (this.#held.length > 0) {
      const some = this.#held.splice(0, maxBatch)
      await Promise.all(some.map((one) => settleDelivery(one, { settle: 'abandon' }, this.#queue.control)))
    }
  }
}

/** A wanted dead letter in our hands. */
export interface Taken {
  message: ServiceBusReceivedMessage
  sequence: string
  settle(settlement: Settlement): Promise<SettlementResult>
}

const maxBatch = 500
const maxPerLink = 1_500
const maxSettleTries = 3
/** The head is taken to be empty when it gives nothing for this long: what is left there is locked by somebody else. */
const emptyAfterMs = 2_000
const renewWhenLeftMs = 10_000
/** A run at full speed holds bystanders for no longer; the rest is swept. */
const maxHoldMs = 10_000

/**
 * What it takes to renew or release a bystander: its lock and its delivery. They are held by the thousand, and the rest of
 * each (the decoded message, and the 64 KB of network input that its bytes are a part of) would fill the heap with holes.
 */
function lockOf(message: ServiceBusReceivedMessage): ServiceBusReceivedMessage {
  const { lockToken, lockedUntilUtc, delivery } = message as ServiceBusReceivedMessage & { delivery?: object }
  if (delivery) Object.assign(delivery, { frames: [], remote_state: undefined })
  const prototype = Object.getPrototypeOf(message) as object
  return Object.assign(Object.create(prototype), { lockToken, lockedUntilUtc, delivery }) as ServiceBusReceivedMessage
}
