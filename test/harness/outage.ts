import type { Stack } from '../../deploy/local/start-stack.ts'

export type OutagePart = 'model' | 'sentinel' | 'tables'

/** Takes parts of the stack away: standing connections are cut and new ones refused, until `end`. */
export function startOutage(stack: Stack, parts: readonly OutagePart[]): { end(): void } {
  const set = (on: boolean) => {
    for (const part of parts) stack[part].faults.outage(on)
  }
  set(true)
  return { end: () => set(false) }
}
