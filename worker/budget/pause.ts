/** After so much work without a pause others get their turn: the event loop serves every slot's lock. */
const pauseAfterMs = 10

/** What long work awaits between its pieces: it lets the event loop go round when the last time was a while ago. */
export function createPause(): () => Promise<void> {
  let since = performance.now()
  return async () => {
    if (performance.now() - since < pauseAfterMs) return
    await new Promise((resolve) => setImmediate(resolve))
    since = performance.now()
  }
}
