/** A binary heap by number: the smallest comes first. What is taken out may be outdated, so whoever takes looks again. */
export class TimeHeap<T> {
  #entries: { key: number; value: T }[] = []

  get size(): number {
    return this.#entries.length
  }

  /** The smallest key, or undefined when empty. */
  get firstKey(): number | undefined {
    return this.#entries[0]?.key
  }

  push(key: number, value: T): void {
    const entries = this.#entries
    const entry = { key, value }
    let at = entries.length
    entries.push(entry)
    while (at > 0) {
      const parent = (at - 1) >> 1
      const above = entries[parent]
      if (!above || above.key <= key) break
      entries[at] = above
      at = parent
    }
    entries[at] = entry
  }

  pop(): T | undefined {
    const entries = this.#entries
    const first = entries[0]
    const last = entries.pop()
    if (!first || !last || entries.length === 0) return first?.value
    let at = 0
    for (;;) {
      let child = 2 * at + 1
      const [left, right] = [entries[child], entries[child + 1]]
      if (!left) break
      if (right && right.key < left.key) child++
      const smaller = entries[child]
      if (!smaller || smaller.key >= last.key) break
      entries[at] = smaller
      at = child
    }
    entries[at] = last
    return first.value
  }

  /** Drops the entries that no longer matter: for whoever never waits long enough to pop them. */
  keep(matters: (value: T) => boolean): void {
    // A sorted array is a heap.
    this.#entries = this.#entries.filter((entry) => matters(entry.value)).sort((one, other) => one.key - other.key)
  }
}
