/**
 * The image's health command: asks the worker in the same container whether it is live. Exit 0: live; 1: not, or no answer.
 * It imports nothing of the worker, so a broken worker cannot make it answer.
 */
const port = process.env.HEALTH_PORT?.trim() || '8080'
try {
  const answer = await fetch(`http://127.0.0.1:${port}/healthz/live`, { signal: AbortSignal.timeout(4_000) })
  if (!answer.ok) process.stderr.write(`The worker is not live: it answered ${answer.status}.\n`)
  process.exitCode = answer.ok ? 0 : 1
} catch {
  process.stderr.write(`Nothing answers on port ${port}: the worker has not started, or it hangs.\n`)
  process.exitCode = 1
}
