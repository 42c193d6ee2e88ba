import type { StoredMessage } from './stored-message.ts'

/** Somebody who takes messages; asked for its credit before each delivery. */
export interface Consumer {
  readonly peekLock: boolean
  credit(): number
  deliver(message: StoredMessage): void
}

/** Hands messages to consumers with credit, in turn. */
export class Dispatcher {
  readonly #consumers = new Set<Consumer>()

  get consumers(): number {
    return this.#consumers.size
  }
  readonly #take: (peekLock: boolean) => StoredMessage | undefined
  readonly #repeated: (message: StoredMessage) => void
  /** Deliveries to be made once more, with the lock they had. */
  #repeats: { message: StoredMessage; token: string }[] = []
  #repeatsWanted = 0
  #pumping = false

  /**
   * @param take the next message, locked or removed
   * @param repeated called for each delivery that is made a second time
   */
  constructor(take: (peekLock: boolean) => StoredMessage | undefined, repeated: (message: StoredMessage) => void) {
    this.#take = take
    this.#repeated = repeated
  }

  /** @returns the way to leave */
  add(consumer: Consumer): () => void {
    this.#consumers.add(consumer)
    this.pump()
    return () => this.#consumers.delete(consumer)
  }

  removeAll(): void {
    this.#consumers.clear()
  }

  /** The next messages go out twice while they are locked; 0 switches it off. */
  deliverTwice(count: number): void {
    this.#repeatsWanted = count
    if (count === 0) this.#repeats = []
  }

  /** Delivers what can be delivered, once per turn of the event loop: credit falls only when frames are written. */
  pump(): void {
    if (this.#pumping) return
    this.#pumping = true
    setImmediate(() => {
      this.#pumping = false
      this.#deliverAll()
    })
  }

  #deliverAll(): void {
    for (;;) {
      const consumer = this.#withCredit()
      if (!consumer) return
      const message = this.#nextRepeat(consumer.peekLock) ?? this.#nextNew(consumer.peekLock)
      if (!message) return
      // In turn: whoever got one goes to the end of the line.
      this.#consumers.delete(consumer)
      this.#consumers.add(consumer)
      consumer.deliver(message)
    }
  }

  #withCredit(): Consumer | undefined {
    for (const consumer of this.#consumers) if (consumer.credit() > 0) return consumer
    return undefined
  }

  #nextNew(peekLock: boolean): StoredMessage | undefined {
    const message = this.#take(peekLock)
    if (message?.lock && this.#repeats.length < this.#repeatsWanted) {
      this.#repeats.push({ message, token: message.lock.token })
    }
    return message
  }

  #nextRepeat(peekLock: boolean): StoredMessage | undefined {
    while (peekLock && this.#repeats.length > 0) {
      const next = this.#repeats.shift()
      // Settled before there was credit for a second delivery: another message has to serve.
      if (!next || next.message.lock?.token !== next.token) continue
      this.#repeatsWanted--
      this.#repeated(next.message)
      return next.message
    }
    return undefined
  }
}
