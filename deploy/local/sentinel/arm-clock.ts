/** Hundred-nanosecond ticks per millisecond: the service's times have seven fraction digits. */
const ticksPerMs = 10_000

/**
 * A clock that never gives the same time twice, so that creation order is visible in `createdTimeUtc` however fast a
 * test writes. Milliseconds and ticks are kept apart: together they exceed what a double holds exactly.
 */
export class ArmClock {
  #ms = 0
  #ticks = 0

  now(): string {
    const ms = Date.now()
    if (ms > this.#ms) {
      this.#ms = ms
      this.#ticks = 0
    } else {
      this.#ticks += 1
      if (this.#ticks === ticksPerMs) {
        this.#ms += 1
        this.#ticks = 0
      }
    }
    return formatTime(this.#ms, this.#ticks)
  }
}

/** A moment in the past, with the fraction digits that only a real clock has. */
export function formatMoment(epochMs: number): string {
  return formatTime(epochMs, (epochMs * 7919) % ticksPerMs)
}

function formatTime(epochMs: number, ticks: number): string {
  return `${new Date(epochMs).toISOString().slice(0, 23)}${String(ticks).padStart(4, '0')}Z`
}

/** Brings any time that `Date` reads to the service's spelling, in which text order is time order. */
export function normalizeTime(text: string): string | undefined {
  const exact = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?Z$/i.exec(text)
  if (exact && !Number.isNaN(Date.parse(text))) return `${exact[1]}.${(exact[2] ?? '').padEnd(7, '0').slice(0, 7)}Z`
  if (!/^\d{4}-\d\d-\d\d/.test(text)) return undefined
  const epochMs = Date.parse(text)
  return Number.isNaN(epochMs) ? undefined : formatTime(epochMs, 0)
}
