import type { Stack } from '../../deploy/local/start-stack.ts'

/** Watches one queue at the broker: when each message was first handed out, and when it was completed. */
export class Completions {
  readonly #stack: Stack
  readonly #queue: string
  readonly #deliveredAt = new Map<number, number>()
  readonly #waiting: { count: number; resolve(): void }[] = []
  /** Times of the completions, by `performance.now()`. */
  readonly at: number[] = []
  /** Milliseconds from a message's first delivery to its completion, in order of completion. */
  readonly tookMs: number[] = []
  firstDeliveryAt: number | undefined

  constructor(stack: Stack, queue: string) {
    this.#stack = stack
    this.#queue = queue.toLowerCase()
    stack.broker.events.on('delivered', this.#onDelivered)
    stack.broker.events.on('settled', this.#onSettled)
  }

  /** Resolves when so many messages are completed since this watch began. */
  reached(count: number): Promise<void> {
    if (this.at.length >= count) return Promise.resolve()
    return new Promise((resolve) => this.#waiting.push({ count, resolve }))
  }

  close(): void {
    this.#stack.broker.events.off('delivered', this.#onDelivered)
    this.#stack.broker.events.off('settled', this.#onSettled)
  }

  readonly #onDelivered = (event: { queue: string; sequenceNumber: number }): void => {
    if (event.queue.toLowerCase() !== this.#queue || this.#deliveredAt.has(event.sequenceNumber)) return
    const now = performance.now()
    this.firstDeliveryAt ??= now
    this.#deliveredAt.set(event.sequenceNumber, now)
  }

  readonly #onSettled = (event: { queue: string; sequenceNumber: number; outcome: string }): void => {
    if (event.queue.toLowerCase() !== this.#queue || event.outcome !== 'completed') return
    const now = performance.now()
    this.at.push(now)
    this.tookMs.push(now - (this.#deliveredAt.get(event.sequenceNumber) ?? now))
    this.#deliveredAt.delete(event.sequenceNumber)
    for (let index = this.#waiting.length - 1; index >= 0; index--) {
      const waiting = this.#waiting[index]
      if (!waiting || this.at.length < waiting.count) continue
      this.#waiting.splice(index, 1)
      waiting.resolve()
    }
  }
}
