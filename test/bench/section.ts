/** One goal of the speed issue, judged by a measurement. */
export interface Goal {
  goal: string
  measured: string
  met: boolean
  /** By how much, where it is missed. */
  missedBy?: string
}

/** What one measurement found: a table, the goals it judges, and how it was done. */
export interface Section {
  title: string
  columns: string[]
  rows: string[][]
  goals: Goal[]
  /** What was measured, and what was noticed. */
  notes: string[]
}

export interface BenchOptions {
  /** A fraction of the rounds and incidents: to see that it works, not to quote. */
  quick: boolean
  /** Whole minutes that the quota measurement counts. */
  quotaMinutes: number
  say(text: string): void
}

export type Measure = (options: BenchOptions) => Promise<Section>

/** Judges `value <= limit`, or `>=` with `atLeast`. */
export function judge(
  goal: string,
  value: number,
  limit: number,
  show: (value: number) => string,
  direction: 'at most' | 'at least' = 'at most',
): Goal {
  const met = direction === 'at most' ? value <= limit : value >= limit
  return { goal, measured: show(value), met, ...(met ? {} : { missedBy: show(Math.abs(value - limit)) }) }
}
