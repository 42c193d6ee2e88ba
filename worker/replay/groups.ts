import type { DeadLetter } from './dead-letter.ts'

/** Dead letters that failed alike. Times are milliseconds since the epoch. */
export interface DeadLetterGroup {
  reason: string
  dependency: string
  errorCode: string
  count: number
  oldest: number
  newest: number
  /** Of `count`: set aside by a replay that was interrupted. */
  setAside: number
  /** Of `count`: replayed before, and dead again. */
  replayed: number
  /** One to look at: the oldest's sequence number. */
  example: string
}

/** Another producer can give every message a reason of its own: from here on they are one group. */
const maxGroups = 1_000

/** Groups by reason, dependency and error code, the largest first. It keeps counts only: memory does not grow with the queue. */
export class Grouping {
  readonly #groups = new Map<string, DeadLetterGroup>()
  total = 0

  add(letter: DeadLetter): void {
    this.total++
    const { failedAt } = letter
    let { reason, dependency, errorCode } = letter
    let key = JSON.stringify([reason, dependency, errorCode])
    if (!this.#groups.has(key) && this.#groups.size >= maxGroups) {
      ;[reason, dependency, errorCode] = ['(others)', '', '']
      key = reason
    }
    const group = this.#groups.get(key) ?? {
      reason,
      dependency,
      errorCode,
      count: 0,
      oldest: failedAt,
      newest: failedAt,
      setAside: 0,
      replayed: 0,
      example: letter.sequence,
    }
    group.count++
    if (failedAt < group.oldest) [group.oldest, group.example] = [failedAt, letter.sequence]
    group.newest = Math.max(group.newest, failedAt)
    if (letter.state === 'deferred') group.setAside++
    if (letter.replays > 0) group.replayed++
    this.#groups.set(key, group)
  }

  groups(most: number): DeadLetterGroup[] {
    const sorted = [...this.#groups.values()].sort((one, other) => other.count - one.count || one.oldest - other.oldest)
    return sorted.slice(0, most)
  }

  get size(): number {
    return this.#groups.size
  }
}
