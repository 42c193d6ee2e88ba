import { randomBytes } from 'node:crypto'
import { EventEmitter } from 'node:events'
import { addProperties, type ReceivedMessage, type StoredMessage } from './stored-message.ts'
import { TimeHeap } from './time-heap.ts'

export interface QueueSettings {
  name: string
  /** Default 60,000. */
  lockDurationMs?: number
  /** Deliveries after which a message is dead-lettered. Default 10. */
  maxDeliveryCount?: number
  /** How long message ids are remembered; 0, the default, is off. */
  duplicateDetectionWindowMs?: number
  defaultTimeToLiveMs?: number
  /** Whether an expired message is dead-lettered instead of dropped. Default false. */
  deadLetterOnExpiration?: boolean
  /** Default 262,144, as in the standard tier. */
  maxMessageBytes?: number
}

export interface QueueEvent {
  queue: string
  sequenceNumber: number
  messageId: string
}
export type SettledOutcome = 'completed' | 'abandoned' | 'deferred' | 'dead-lettered'
export interface QueueEvents {
  enqueued: [QueueEvent]
  delivered: [QueueEvent]
  settled: [QueueEvent & { outcome: SettledOutcome; via: 'link' | 'management' }]
  renewed: [QueueEvent]
  'lock-expired': [QueueEvent]
  'dead-lettered': [QueueEvent & { reason: string }]
  'duplicate-dropped': [{ queue: string; messageId: string }]
}

/** Somebody who takes messages; the queue asks for credit before each delivery. */
export interface Consumer {
  credit(): number
  peekLock: boolean
  deliver(message: StoredMessage): void
}

/** An error as the service words it: the AMQP condition, and the status that management answers with. */
export class BrokerError extends Error {
  readonly condition: string
  readonly status: number
  constructor(condition: string, message: string, status: number) {
    super(message)
    this.condition = condition
    this.status = status
  }
}

export function lockLost(): BrokerError {
  return new BrokerError(
    'com.microsoft:message-lock-lost',
    'The lock supplied is invalid. Either the lock expired, or the message has already been removed from the queue.',
    410,
  )
}

/**
 * A queue, or its dead-letter subqueue: Service Bus semantics without sockets. Messages are delivered by sequence number;
 * what waits for a time (locks, schedules, expiry) lies in one heap with one timer.
 */
export class Queue {
  readonly path: string
  readonly settings: Required<Omit<QueueSettings, 'defaultTimeToLiveMs'>> & Pick<QueueSettings, 'defaultTimeToLiveMs'>
  readonly deadLetters: Queue | undefined
  readonly events: EventEmitter<QueueEvents>
  readonly createdAtMs = Date.now()
  readonly #messages = new Map<number, StoredMessage>()
  /** Sequence numbers of active messages; those that left meanwhile are skipped. */
  readonly #ready = new TimeHeap<number>()
  /** Everything that happens by time; an entry is looked at again when its time comes. */
  readonly #due = new TimeHeap<number>()
  readonly #locks = new Map<string, StoredMessage>()
  readonly #consumers = new Set<Consumer>()
  readonly #seenIds = new Map<string, number>()
  readonly #nextSequence: () => number
  #timer: NodeJS.Timeout | undefined
  #timerAt = Number.POSITIVE_INFINITY
  #pumping = false
  /** The next messages are given to a second consumer or credit although they are locked. */
  deliverTwice = 0

  constructor(
    settings: QueueSettings,
    events: EventEmitter<QueueEvents> = new EventEmitter(),
    parent?: { path: string; nextSequence: () => number },
  ) {
    let sequence = 0
    this.path = parent ? `${parent.path}/$DeadLetterQueue` : settings.name
    this.events = events
    this.#nextSequence = parent?.nextSequence ?? (() => ++sequence)
    this.settings = {
      lockDurationMs: 60_000,
      maxDeliveryCount: 10,
      duplicateDetectionWindowMs: 0,
      deadLetterOnExpiration: false,
      maxMessageBytes: 262_144,
      ...settings,
    }
    if (!parent) {
      const { defaultTimeToLiveMs: _, ...rest } = this.settings
      // Dead letters never expire, and no delivery count removes them.
      this.deadLetters = new Queue(
        { ...rest, maxDeliveryCount: Number.POSITIVE_INFINITY, duplicateDetectionWindowMs: 0 },
        events,
        { path: this.path, nextSequence: this.#nextSequence },
      )
    }
  }

  /** Takes a message in, or drops it as a duplicate. @returns its sequence number, 0 for a duplicate */
  accept(received: ReceivedMessage): number {
    const now = Date.now()
    if (received.bytes > this.settings.maxMessageBytes) throw tooLarge(received.bytes, this.settings.maxMessageBytes)
    if (this.#isDuplicate(received.messageId, now)) {
      this.events.emit('duplicate-dropped', { queue: this.path, messageId: received.messageId })
      return 0
    }
    const later = received.scheduledForMs !== undefined && received.scheduledForMs > now
    const sequence = this.#nextSequence()
    const ttlMs = Math.min(
      received.ttlMs ?? Number.POSITIVE_INFINITY,
      this.settings.defaultTimeToLiveMs ?? Number.POSITIVE_INFINITY,
    )
    const stored: StoredMessage = {
      sequence,
      messageId: received.messageId,
      state: later ? 'scheduled' : 'active',
      deliveryCount: 0,
      enqueuedAtMs: now,
      scheduledForMs: later ? received.scheduledForMs : undefined,
      enqueueSequence: sequence,
      expiresAtMs: Number.isFinite(ttlMs) ? now + ttlMs : undefined,
      lock: undefined,
      home: 'active',
      sections: received.sections,
      applicationProperties: received.applicationProperties,
    }
    this.#messages.set(sequence, stored)
    if (later) this.#at(received.scheduledForMs ?? now, sequence)
    else this.#activate(stored)
    return sequence
  }

  cancelScheduled(sequence: number): void {
    const stored = this.#messages.get(sequence)
    if (stored?.state !== 'scheduled') {
      throw new BrokerError('com.microsoft:message-not-found', `The scheduled message ${sequence} was not found.`, 404)
    }
    this.#messages.delete(sequence)
  }

  subscribe(consumer: Consumer): () => void {
    this.#consumers.add(consumer)
    this.pump()
    return () => this.#consumers.delete(consumer)
  }

  /** Delivers what can be delivered; once per turn of the event loop, since credit falls only when frames are written. */
  pump(): void {
    if (this.#pumping) return
    this.#pumping = true
    setImmediate(() => {
      this.#pumping = false
      this.#deliverAll()
    })
  }

  /** Active and locked messages: what `ActiveMessageCount` says. */
  counts(): { active: number; scheduled: number; deadLettered: number; total: number } {
    let scheduled = 0
    for (const one of this.#messages.values()) if (one.state === 'scheduled') scheduled++
    const deadLettered = this.deadLetters?.all().length ?? 0
    return {
      active: this.#messages.size - scheduled,
      scheduled,
      deadLettered,
      total: this.#messages.size + deadLettered,
    }
  }

  all(): StoredMessage[] {
    return [...this.#messages.values()]
  }

  /** Messages from a sequence number on, without locking them. */
  peek(from: number, count: number): StoredMessage[] {
    const found: StoredMessage[] = []
    // Sequence numbers only grow, so the map's order is theirs.
    for (const stored of this.#messages.values()) {
      if (found.length >= count) break
      if (stored.sequence >= from && !this.#expired(stored)) found.push(stored)
    }
    return found
  }

  receiveDeferred(sequence: number, peekLock: boolean): StoredMessage {
    const stored = this.#messages.get(sequence)
    if (stored?.home !== 'deferred' || stored.state === 'locked') {
      throw new BrokerError('com.microsoft:message-not-found', `The deferred message ${sequence} was not found.`, 404)
    }
    if (peekLock) this.#lock(stored)
    else this.#messages.delete(sequence)
    return stored
  }

  /** @returns until when the message is locked now, in milliseconds since the epoch */
  renew(token: string): number {
    const stored = this.#held(token)
    const untilMs = Date.now() + this.settings.lockDurationMs
    stored.lock = { token, untilMs }
    this.#at(untilMs, stored.sequence)
    this.events.emit('renewed', this.#eventOf(stored))
    return untilMs
  }

  settle(
    token: string,
    outcome: SettledOutcome,
    via: 'link' | 'management',
    details: { reason?: string; description?: string; properties?: Record<string, unknown> } = {},
  ): void {
    if (outcome === 'dead-lettered' && !this.deadLetters) {
      throw new BrokerError('amqp:not-allowed', 'A message in the dead-letter queue cannot be dead-lettered.', 400)
    }
    const stored = this.#held(token)
    this.#unlock(stored)
    this.events.emit('settled', { ...this.#eventOf(stored), outcome, via })
    if (outcome === 'completed') {
      this.#messages.delete(stored.sequence)
      return
    }
    addProperties(stored, details.properties)
    if (outcome === 'dead-lettered') {
      this.#deadLetter(stored, details.reason ?? '', details.description)
      return
    }
    if (outcome === 'deferred') stored.home = 'deferred'
    this.#returned(stored, this.deadLetters !== undefined)
  }

  /** A lock ends before its time. */
  expireLock(which: number | string): boolean {
    for (const stored of this.#locks.values()) {
      if (stored.sequence !== which && stored.messageId !== which) continue
      this.#lockEnded(stored)
      return true
    }
    return false
  }

  /** As after a restart: every lock is gone, and what it held is there again. */
  dropLocks(): void {
    for (const stored of [...this.#locks.values()]) this.#lockEnded(stored)
    this.deadLetters?.dropLocks()
  }

  close(): void {
    clearTimeout(this.#timer)
    this.#consumers.clear()
    this.deadLetters?.close()
  }

  #isDuplicate(id: string, now: number): boolean {
    const windowMs = this.settings.duplicateDetectionWindowMs
    if (windowMs <= 0) return false
    for (const [seen, at] of this.#seenIds) {
      if (at > now - windowMs) break
      this.#seenIds.delete(seen)
    }
    if (this.#seenIds.has(id)) return true
    this.#seenIds.set(id, now)
    return false
  }

  #activate(stored: StoredMessage): void {
    stored.state = 'active'
    this.#ready.push(stored.sequence, stored.sequence)
    if (stored.expiresAtMs !== undefined) this.#at(stored.expiresAtMs, stored.sequence)
    this.events.emit('enqueued', this.#eventOf(stored))
    this.pump()
  }

  #deliverAll(): void {
    for (;;) {
      const consumer = this.#withCredit()
      if (!consumer) return
      const stored = this.#takeReady()
      if (!stored) return
      // Round robin: whoever got one goes to the end of the line.
      this.#consumers.delete(consumer)
      this.#consumers.add(consumer)
      if (consumer.peekLock) this.#lock(stored)
      else this.#messages.delete(stored.sequence)
      this.events.emit('delivered', this.#eventOf(stored))
      consumer.deliver(stored)
      if (this.deliverTwice > 0 && consumer.peekLock) {
        const second = this.#withCredit()
        if (second) {
          this.deliverTwice--
          second.deliver(stored)
        }
      }
    }
  }

  #withCredit(): Consumer | undefined {
    for (const consumer of this.#consumers) if (consumer.credit() > 0) return consumer
    return undefined
  }

  #takeReady(): StoredMessage | undefined {
    for (;;) {
      const sequence = this.#ready.pop()
      if (sequence === undefined) return undefined
      const stored = this.#messages.get(sequence)
      if (stored?.state === 'active' && !this.#expire(stored)) return stored
    }
  }

  #lock(stored: StoredMessage): void {
    const untilMs = Date.now() + this.settings.lockDurationMs
    stored.lock = { token: randomBytes(16).toString('hex'), untilMs }
    stored.state = 'locked'
    this.#locks.set(stored.lock.token, stored)
    this.#at(untilMs, stored.sequence)
  }

  #held(token: string): StoredMessage {
    const stored = this.#locks.get(token)
    if (!stored?.lock || stored.lock.untilMs <= Date.now()) throw lockLost()
    return stored
  }

  #unlock(stored: StoredMessage): void {
    if (stored.lock) this.#locks.delete(stored.lock.token)
    stored.lock = undefined
  }

  #lockEnded(stored: StoredMessage): void {
    this.#unlock(stored)
    this.events.emit('lock-expired', this.#eventOf(stored))
    this.#returned(stored, true)
  }

  /** Back where it came from, with one delivery more; abandoning inside a dead-letter queue does not count. */
  #returned(stored: StoredMessage, counts: boolean): void {
    if (counts) stored.deliveryCount++
    if (stored.home === 'deferred') {
      stored.state = 'deferred'
      return
    }
    if (this.deadLetters && stored.deliveryCount >= this.settings.maxDeliveryCount) {
      this.#deadLetter(
        stored,
        'MaxDeliveryCountExceeded',
        `Message could not be consumed after ${stored.deliveryCount} delivery attempts.`,
      )
      return
    }
    stored.state = 'active'
    this.#ready.push(stored.sequence, stored.sequence)
    this.pump()
  }

  #deadLetter(stored: StoredMessage, reason: string, description: string | undefined): void {
    this.#messages.delete(stored.sequence)
    addProperties(stored, {
      ...(reason ? { DeadLetterReason: reason } : {}),
      ...(description === undefined ? {} : { DeadLetterErrorDescription: description }),
    })
    this.events.emit('dead-lettered', { ...this.#eventOf(stored), reason })
    this.deadLetters?.takeOver({ ...stored, home: 'active', expiresAtMs: undefined, scheduledForMs: undefined })
  }

  /** A message from the main queue, under a new sequence number. */
  takeOver(stored: StoredMessage): void {
    const moved = { ...stored, sequence: this.#nextSequence() }
    this.#messages.set(moved.sequence, moved)
    this.#activate(moved)
  }

  #expired(stored: StoredMessage): boolean {
    return stored.expiresAtMs !== undefined && stored.expiresAtMs <= Date.now() && stored.state !== 'locked'
  }

  /** Removes the message if its time to live is over. */
  #expire(stored: StoredMessage): boolean {
    if (!this.#expired(stored)) return false
    if (this.settings.deadLetterOnExpiration && this.deadLetters) {
      this.#deadLetter(stored, 'TTLExpiredException', 'The message expired and was dead lettered.')
    } else {
      this.#messages.delete(stored.sequence)
    }
    return true
  }

  #at(timeMs: number, sequence: number): void {
    this.#due.push(timeMs, sequence)
    if (timeMs < this.#timerAt) this.#arm()
  }

  #arm(): void {
    clearTimeout(this.#timer)
    this.#timerAt = this.#due.firstKey ?? Number.POSITIVE_INFINITY
    if (!Number.isFinite(this.#timerAt)) return
    this.#timer = setTimeout(() => this.#timeHasCome(), Math.min(Math.max(0, this.#timerAt - Date.now()), 2 ** 31 - 1))
    this.#timer.unref()
  }

  #timeHasCome(): void {
    const now = Date.now()
    while ((this.#due.firstKey ?? Number.POSITIVE_INFINITY) <= now) {
      const sequence = this.#due.pop()
      const stored = sequence === undefined ? undefined : this.#messages.get(sequence)
      if (!stored) continue
      if (stored.state === 'locked' && stored.lock && stored.lock.untilMs <= now) this.#lockEnded(stored)
      else if (stored.state === 'scheduled' && (stored.scheduledForMs ?? 0) <= now) this.#scheduledIsDue(stored, now)
      else this.#expire(stored)
    }
    this.#timerAt = Number.POSITIVE_INFINITY
    this.#arm()
  }

  /** A due message is enqueued then, not when it was scheduled: it gets its place and its number now. */
  #scheduledIsDue(stored: StoredMessage, now: number): void {
    this.#messages.delete(stored.sequence)
    const ttlMs = stored.expiresAtMs === undefined ? undefined : stored.expiresAtMs - stored.enqueuedAtMs
    const due: StoredMessage = {
      ...stored,
      sequence: this.#nextSequence(),
      enqueuedAtMs: now,
      expiresAtMs: ttlMs === undefined ? undefined : now + ttlMs,
    }
    this.#messages.set(due.sequence, due)
    this.#activate(due)
  }

  #eventOf(stored: StoredMessage): QueueEvent {
    return { queue: this.path, sequenceNumber: stored.sequence, messageId: stored.messageId }
  }
}

function tooLarge(bytes: number, limit: number): BrokerError {
  return new BrokerError(
    'amqp:link:message-size-exceeded',
    `The received message (size:${bytes} bytes) exceeds the limit (${limit} bytes) currently allowed on the link.`,
    413,
  )
}
