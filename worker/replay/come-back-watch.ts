/**
 * Tells when going on is pointless: what was replayed is dead again. Workers take messages in order, so the latest one that
 * came back says how far they are, and only what was moved before it counts: neither the rate of the replay nor the delay of
 * the failures matters.
 */
export class ComeBackWatch {
  /** The order in which each copy's id was sent. */
  readonly #order = new Map<string, number>()
  readonly #back = new Set<string>()
  readonly #reasons = new Map<string, number>()
  #furthest = 0

  moved(id: string): void {
    if (!this.#order.has(id)) this.#order.set(id, this.#order.size + 1)
  }

  /**
   * A dead letter was seen that died after the run began.
   * @param replayId made of its origin and replay counter: a delayed copy of a replay has another id, but the same of these
   */
  seen(replayId: string, reason: string): void {
    const place = this.#order.get(replayId)
    if (place === undefined || this.#back.has(replayId)) return
    this.#back.add(replayId)
    this.#reasons.set(reason, (this.#reasons.get(reason) ?? 0) + 1)
    this.#furthest = Math.max(this.#furthest, place)
  }

  get cameBack(): number {
    return this.#back.size
  }

  /** Set when at least ten came back, and half or more of those that had the time to. */
  get verdict(): { cameBack: number; of: number; mostly: string } | undefined {
    if (this.#back.size < 10 || this.#back.size * 2 < this.#furthest) return undefined
    const [mostly = ''] = [...this.#reasons].sort((one, other) => other[1] - one[1])[0] ?? []
    return { cameBack: this.#back.size, of: this.#furthest, mostly }
  }
}
