/**
 * Runs of `work` one after the other. Calls of one turn of the event loop share one, and so do those that come while one is
 * under way: an answer and the reservations of the calls that build on it are one write.
 */
export function oneAtATime(work: () => Promise<void>): () => Promise<void> {
  let current: Promise<void> = Promise.resolve()
  let next: Promise<void> | undefined
  return () => {
    next ??= Promise.allSettled([current, new Promise((resolve) => setImmediate(resolve))]).then(() => {
      next = undefined
      current = work()
      return current
    })
    return next
  }
}
