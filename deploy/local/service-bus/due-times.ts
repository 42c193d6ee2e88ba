import { TimeHeap } from './time-heap.ts'

/** Calls back for numbers whose time has come, with one timer for all. Nothing is taken back: whoever is called looks. */
export class DueTimes {
  readonly #heap = new TimeHeap<number>()
  readonly #onDue: (number: number, nowMs: number) => void
  readonly #matters: (number: number) => boolean
  #timer: NodeJS.Timeout | undefined
  #timerAt = Number.POSITIVE_INFINITY
  /** Entries above which outdated ones are looked for. */
  #limit = 4096

  constructor(onDue: (number: number, nowMs: number) => void, matters: (number: number) => boolean) {
    this.#onDue = onDue
    this.#matters = matters
  }

  add(timeMs: number, number: number): void {
    if (this.#heap.size >= this.#limit) {
      // Times to live of days would otherwise pile up for messages that are long gone.
      this.#heap.keep(this.#matters)
      this.#limit = 2 * this.#heap.size + 4096
    }
    this.#heap.push(timeMs, number)
    if (timeMs < this.#timerAt) this.#arm()
  }

  close(): void {
    clearTimeout(this.#timer)
    this.#timerAt = Number.NEGATIVE_INFINITY
  }

  #arm(): void {
    clearTimeout(this.#timer)
    this.#timerAt = this.#heap.firstKey ?? Number.POSITIVE_INFINITY
    if (!Number.isFinite(this.#timerAt)) return
    this.#timer = setTimeout(() => this.#fire(), Math.min(Math.max(0, this.#timerAt - Date.now()), 2 ** 31 - 1))
    this.#timer.unref()
  }

  #fire(): void {
    // A timer may fire a millisecond early; then nothing is due and it is set again.
    const now = Date.now()
    while ((this.#heap.firstKey ?? Number.POSITIVE_INFINITY) <= now) this.#onDue(this.#heap.pop() ?? 0, now)
    if (this.#timerAt !== Number.NEGATIVE_INFINITY) this.#arm()
  }
}
