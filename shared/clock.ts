/**
 * Time as a parameter: everything that waits or compares times takes a clock, so that a test can move it.
 */
export interface Clock {
  /** Milliseconds since the Unix epoch. */
  now(): number
  /** Resolves after `delayMs`; rejects with the signal's reason when it aborts first. */
  sleep(delayMs: number, signal?: AbortSignal): Promise<void>
}

export const systemClock: Clock = {
  now: () => Date.now(),
  sleep: (delayMs, signal) =>
    new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason)
      const onAbort = () => {
        clearTimeout(timer)
        reject(signal?.reason)
      }
      // setTimeout fires at once above 2^31-1 ms; a longer wait is cut there and its caller looks again.
      const timer = setTimeout(
        () => {
          signal?.removeEventListener('abort', onAbort)
          resolve()
        },
        Math.min(Math.max(0, delayMs), 2 ** 31 - 1),
      )
      signal?.addEventListener('abort', onAbort, { once: true })
    }),
}
