/** Message ids seen within a time window. Ids are remembered from acceptance on, whatever becomes of the message. */
export class DuplicateWindow {
  /** Id to the time of its acceptance, oldest first: a map keeps the order of insertion. */
  readonly #seen = new Map<string, number>()

  /** Remembers the id, unless it is known: then true, and its time stays that of the first. */
  isDuplicate(id: string, windowMs: number, nowMs: number): boolean {
    if (windowMs <= 0) return false
    for (const [seen, at] of this.#seen) {
      if (at > nowMs - windowMs) break
      this.#seen.delete(seen)
    }
    if (this.#seen.has(id)) return true
    this.#seen.set(id, nowMs)
    return false
  }
}
