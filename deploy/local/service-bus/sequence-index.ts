/**
 * Values by a number that only grows. Reading from a number on takes a binary search, so that paging through a long
 * queue does not start at its head each time.
 */
export class SequenceIndex<T> {
  readonly #values = new Map<number, T>()
  /** All numbers in order, those of deleted values included until there are too many of them. */
  #numbers: number[] = []

  get size(): number {
    return this.#values.size
  }

  get(number: number): T | undefined {
    return this.#values.get(number)
  }

  /** The number must be larger than all before it. */
  append(number: number, value: T): void {
    this.#values.set(number, value)
    this.#numbers.push(number)
  }

  delete(number: number): void {
    this.#values.delete(number)
    if (this.#numbers.length > 2 * this.#values.size + 1024) this.#numbers = [...this.#values.keys()]
  }

  values(): Iterable<T> {
    return this.#values.values()
  }

  *from(number: number): Iterable<T> {
    let [low, high] = [0, this.#numbers.length]
    while (low < high) {
      const middle = (low + high) >> 1
      if ((this.#numbers[middle] ?? Number.POSITIVE_INFINITY) < number) low = middle + 1
      else high = middle
    }
    for (; low < this.#numbers.length; low++) {
      const value = this.#values.get(this.#numbers[low] ?? -1)
      if (value !== undefined) yield value
    }
  }
}
