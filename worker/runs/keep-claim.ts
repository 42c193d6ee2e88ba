import { Failure } from '../../shared/failure.ts'
import { claimLeaseMs, type Run, type RunStore } from './run-store.ts'

/** Extends a claim while its run goes on; `held` aborts with `signal`, or when another owner took the run over. */
export function keepClaim(run: Run, runs: RunStore, signal: AbortSignal): { held: AbortSignal; stop(): Promise<void> } {
  const lost = new AbortController()
  const held = AbortSignal.any([signal, lost.signal])
  let extending: Promise<void> = Promise.resolve()
  const timer = setInterval(() => {
    // A store that cannot be reached is the next checkpoint's trouble: the lease is three times this interval.
    extending = runs.extend(run, held).catch((error: unknown) => {
      if (error instanceof Failure && error.kind === 'interrupted') lost.abort(error)
    })
  }, claimLeaseMs / 3)
  timer.unref()
  return {
    held,
    stop: async () => {
      clearInterval(timer)
      await extending
    },
  }
}
