import { randomBytes } from 'node:crypto'
import { EventEmitter } from 'node:events'
import { lockLost, messageNotFound, messageTooLarge, notAllowed } from './broker-error.ts'
import { type Consumer, Dispatcher } from './dispatcher.ts'
import { DueTimes } from './due-times.ts'
import { DuplicateWindow } from './duplicate-window.ts'
import { type ReceivedMessage, withProperties } from './message-codec.ts'
import type { QueueEvent, QueueEvents, SettledOutcome, SettledVia } from './queue-events.ts'
import {
  deadLetterSettings,
  type QueueSettings,
  type ResolvedQueueSettings,
  resolveQueueSettings,
} from './queue-settings.ts'
import { SequenceIndex } from './sequence-index.ts'
import { isExpired, newMessage, type StoredMessage } from './stored-message.ts'
import { TimeHeap } from './time-heap.ts'

export interface SettlementDetails {
  reason?: string | undefined
  description?: string | undefined
  /** Added to the message's application properties. */
  properties?: Record<string, unknown>
}

/**
 * A queue, or its dead-letter subqueue: Service Bus semantics without sockets. Messages are delivered by sequence number;
 * what waits for a time (locks, schedules, expiry) lies in one heap with one timer.
 */
export class Queue {
  readonly path: string
  readonly settings: ResolvedQueueSettings
  /** Undefined for a dead-letter subqueue itself. */
  readonly deadLetters: Queue | undefined
  readonly events: EventEmitter<QueueEvents>
  readonly createdAtMs = Date.now()
  readonly #messages = new SequenceIndex<StoredMessage>()
  /** Sequence numbers of active messages; those that left meanwhile are skipped. */
  readonly #ready = new TimeHeap<number>()
  /** Ends of locks, scheduled times and ends of life, by sequence number. */
  readonly #due = new DueTimes(
    (sequence, now) => this.#timeHasCome(this.#messages.get(sequence), now),
    (sequence) => this.#messages.get(sequence) !== undefined,
  )
  readonly #locks = new Map<string, StoredMessage>()
  readonly #duplicates = new DuplicateWindow()
  readonly #dispatcher: Dispatcher
  readonly #nextSequence: () => number

  constructor(
    settings: QueueSettings,
    events: EventEmitter<QueueEvents> = new EventEmitter(),
    parent?: { path: string; nextSequence: () => number },
  ) {
    let sequence = 0
    this.path = parent ? `${parent.path}/$DeadLetterQueue` : settings.name
    this.events = events
    this.settings = resolveQueueSettings(settings)
    this.#nextSequence = parent?.nextSequence ?? (() => ++sequence)
    this.#dispatcher = new Dispatcher(
      (peekLock) => this.#take(peekLock),
      (stored) => this.events.emit('delivered', this.#eventOf(stored)),
    )
    if (!parent) {
      const shared = { path: this.path, nextSequence: this.#nextSequence }
      this.deadLetters = new Queue(deadLetterSettings(this.settings), events, shared)
    }
  }

  /** New settings hold from the next message, lock or delivery on. */
  configure(settings: QueueSettings): void {
    Object.assign(this.settings, resolveQueueSettings({ ...this.settings, ...settings, name: this.settings.name }))
    if (this.deadLetters) Object.assign(this.deadLetters.settings, deadLetterSettings(this.settings))
  }

  /**
   * Takes a message in, or drops it as a duplicate.
   * @returns its sequence number, 0 for a duplicate
   * @throws BrokerError when it is larger than the queue allows
   */
  accept(received: ReceivedMessage): number {
    const now = Date.now()
    const { maxMessageBytes, duplicateDetectionWindowMs, defaultTimeToLiveMs } = this.settings
    if (received.bytes > maxMessageBytes) throw messageTooLarge(received.bytes, maxMessageBytes)
    if (this.#duplicates.isDuplicate(received.messageId, duplicateDetectionWindowMs, now)) {
      this.events.emit('duplicate-dropped', { queue: this.path, messageId: received.messageId })
      return 0
    }
    const dueAtMs = received.scheduledForMs
    const sequence = this.#nextSequence()
    const stored = newMessage(received, sequence, smaller(received.ttlMs, defaultTimeToLiveMs))
    if (dueAtMs !== undefined && dueAtMs > now) {
      this.#messages.append(sequence, stored)
      this.#due.add(dueAtMs, sequence)
      this.events.emit('scheduled', { ...this.#eventOf(stored), dueAtMs })
    } else this.#enqueue(stored, now)
    return sequence
  }

  cancelScheduled(sequence: number): void {
    if (this.#messages.get(sequence)?.state !== 'scheduled') throw messageNotFound(sequence)
    this.#messages.delete(sequence)
  }

  get receivers(): number {
    return this.#dispatcher.consumers
  }

  /** @returns the way to leave */
  subscribe(consumer: Consumer): () => void {
    return this.#dispatcher.add(consumer)
  }

  /** To be called when a consumer may have credit that it had not. */
  pump(): void {
    this.#dispatcher.pump()
  }

  deliverTwice(count: number): void {
    this.#dispatcher.deliverTwice(count)
  }

  get size(): number {
    return this.#messages.size
  }

  all(): Iterable<StoredMessage> {
    return this.#messages.values()
  }

  /** Messages from a sequence number on, without locking them. */
  peek(from: number, count: number): StoredMessage[] {
    const found: StoredMessage[] = []
    for (const stored of this.#messages.from(from)) {
      if (found.length >= count) break
      if (!isExpired(stored, Date.now())) found.push(stored)
    }
    return found
  }

  /** All of them, or none when one is missing. A deferred message outlives its time to live. */
  receiveDeferred(sequences: readonly number[], peekLock: boolean): StoredMessage[] {
    const found = sequences.map((sequence) => {
      const stored = this.#messages.get(sequence)
      if (stored?.state !== 'deferred') throw messageNotFound(sequence)
      return stored
    })
    for (const stored of found) this.#handOut(stored, peekLock)
    return found
  }

  /** @returns until when the message is locked now, in milliseconds since the epoch */
  renew(token: string): number {
    const stored = this.#held(token)
    const lockedUntilMs = Date.now() + this.settings.lockDurationMs
    stored.lock = { token, untilMs: lockedUntilMs }
    this.#due.add(lockedUntilMs, stored.sequence)
    this.events.emit('renewed', { ...this.#eventOf(stored), lockedUntilMs })
    return lockedUntilMs
  }

  /** @throws BrokerError when the lock is not held any more, or a dead letter is to be dead-lettered */
  settle(token: string, outcome: SettledOutcome, via: SettledVia, details: SettlementDetails = {}): void {
    if (outcome === 'dead-lettered' && !this.deadLetters) {
      throw notAllowed('A message in the dead-letter queue cannot be dead-lettered.')
    }
    const stored = this.#held(token)
    this.#unlock(stored)
    if (outcome === 'completed') this.#messages.delete(stored.sequence)
    else {
      stored.content = withProperties(stored.content, details.properties ?? {})
      if (outcome === 'deferred') stored.home = 'deferred'
      if (outcome === 'dead-lettered') this.#deadLetter(stored, details.reason ?? '', details.description)
      // Abandoning a dead letter does not count as a delivery.
      else this.#giveBack(stored, this.deadLetters ? 1 : 0)
    }
    this.events.emit('settled', { ...this.#eventOf(stored), outcome, via })
  }

  /** A lock ends before its time. @returns false when no lock of this message is held */
  expireLock(which: number | string): boolean {
    for (const stored of this.#locks.values()) {
      if (stored.sequence !== which && stored.messageId !== which) continue
      this.#endLock(stored)
      return true
    }
    return false
  }

  /** As after a restart: every lock is gone, and what it held is there again. */
  dropLocks(): void {
    for (const stored of [...this.#locks.values()]) this.#endLock(stored)
    this.deadLetters?.dropLocks()
  }

  close(): void {
    this.#due.close()
    this.#dispatcher.removeAll()
    this.deadLetters?.close()
  }

  #enqueue(stored: StoredMessage, now: number): void {
    const active: StoredMessage = {
      ...stored,
      enqueuedAtMs: now,
      expiresAtMs: stored.ttlMs === undefined ? undefined : now + stored.ttlMs,
      state: 'active',
    }
    this.#messages.append(active.sequence, active)
    if (active.expiresAtMs !== undefined) this.#due.add(active.expiresAtMs, active.sequence)
    this.#makeReady(active)
    this.events.emit('enqueued', this.#eventOf(active))
  }

  #makeReady(stored: StoredMessage): void {
    stored.state = 'active'
    this.#ready.push(stored.sequence, stored.sequence)
    this.pump()
  }

  #take(peekLock: boolean): StoredMessage | undefined {
    for (;;) {
      const sequence = this.#ready.pop()
      if (sequence === undefined) return undefined
      const stored = this.#messages.get(sequence)
      if (stored?.state !== 'active' || this.#expire(stored)) continue
      this.#handOut(stored, peekLock)
      return stored
    }
  }

  #handOut(stored: StoredMessage, peekLock: boolean): void {
    stored.state = 'locked'
    if (peekLock) {
      const lock = { token: randomBytes(16).toString('hex'), untilMs: Date.now() + this.settings.lockDurationMs }
      stored.lock = lock
      this.#locks.set(lock.token, stored)
      this.#due.add(lock.untilMs, stored.sequence)
    } else this.#messages.delete(stored.sequence)
    this.events.emit('delivered', this.#eventOf(stored))
  }

  #held(token: string): StoredMessage {
    const stored = this.#locks.get(token)
    // The timer may be late under load; the lock's end is its time, not the timer's.
    if (!stored?.lock || stored.lock.untilMs <= Date.now()) throw lockLost()
    return stored
  }

  #unlock(stored: StoredMessage): void {
    if (stored.lock) this.#locks.delete(stored.lock.token)
    stored.lock = undefined
  }

  #endLock(stored: StoredMessage): void {
    this.#unlock(stored)
    this.#giveBack(stored, 1)
    this.events.emit('lock-expired', this.#eventOf(stored))
  }

  /** Back to where it came from: an active one to its place in the order, a deferred one stays deferred. */
  #giveBack(stored: StoredMessage, deliveries: number): void {
    stored.deliveryCount += deliveries
    if (stored.home === 'deferred') {
      stored.state = 'deferred'
      return
    }
    stored.state = 'active'
    if (this.deadLetters && stored.deliveryCount >= this.settings.maxDeliveryCount) {
      const text = `Message could not be consumed after ${stored.deliveryCount} delivery attempts.`
      this.#deadLetter(stored, 'MaxDeliveryCountExceeded', text)
    } else if (!this.#expire(stored)) this.#makeReady(stored)
  }

  #deadLetter(stored: StoredMessage, reason: string, description: string | undefined): void {
    this.#messages.delete(stored.sequence)
    const content = withProperties(stored.content, {
      ...(reason ? { DeadLetterReason: reason } : {}),
      ...(description === undefined ? {} : { DeadLetterErrorDescription: description }),
    })
    this.deadLetters?.takeOver({ ...stored, content, home: 'active', expiresAtMs: undefined, ttlMs: undefined })
    this.events.emit('dead-lettered', { ...this.#eventOf(stored), reason })
  }

  /** A message from the main queue, under a new sequence number. It keeps its delivery count and enqueued time. */
  takeOver(stored: StoredMessage): void {
    this.#enqueue({ ...stored, sequence: this.#nextSequence() }, stored.enqueuedAtMs)
  }

  /** Removes an active message whose time to live is over. */
  #expire(stored: StoredMessage): boolean {
    if (!isExpired(stored, Date.now())) return false
    if (this.settings.deadLetterOnExpiration && this.deadLetters) {
      this.#deadLetter(stored, 'TTLExpiredException', 'The message expired and was dead lettered.')
    } else {
      this.#messages.delete(stored.sequence)
      this.events.emit('expired', this.#eventOf(stored))
    }
    return true
  }

  #timeHasCome(stored: StoredMessage | undefined, now: number): void {
    if (stored?.lock) {
      if (stored.lock.untilMs <= now) this.#endLock(stored)
    } else if (stored?.state === 'scheduled') this.#scheduledIsDue(stored, now)
    else if (stored) this.#expire(stored)
  }

  /** A due message is enqueued then, not when it was scheduled: it gets its place, its number and its time to live now. */
  #scheduledIsDue(stored: StoredMessage, now: number): void {
    this.#messages.delete(stored.sequence)
    this.#enqueue({ ...stored, sequence: this.#nextSequence() }, now)
  }

  #eventOf(stored: StoredMessage): QueueEvent {
    return { queue: this.path, sequenceNumber: stored.sequence, messageId: stored.messageId }
  }
}

function smaller(one: number | undefined, other: number | undefined): number | undefined {
  if (one === undefined || other === undefined) return one ?? other
  return Math.min(one, other)
}
