import { setTimeout as sleep } from 'node:timers/promises'
import type { Fleet } from './fleet.ts'

/**
 * Keeps `count` workers running and kills one of them again and again, until stopped: the pause before each kill, and who
 * is killed, come from `random`.
 *
 * @param pauseMs mean pause between two kills
 * @returns ends the killing, and says how many were killed
 */
export function startRandomKiller(
  fleet: Fleet,
  options: { count: number; pauseMs: number; random: () => number; environment: Record<string, string> },
): () => Promise<number> {
  const { count, pauseMs, random, environment } = options
  const workers = Array.from({ length: count }, () => fleet.start(environment))
  const ending = new AbortController()
  let kills = 0
  const killing = (async () => {
    while (!ending.signal.aborted) {
      await sleep(pauseMs * (0.5 + random()), undefined, { signal: ending.signal }).catch(() => undefined)
      if (ending.signal.aborted) return
      const index = Math.floor(random() * count)
      // On a busy machine starting takes seconds: who has not started yet has nothing to lose.
      await workers[index]?.line((line) => line.event === 'worker.started')
      await workers[index]?.stop('SIGKILL')
      kills++
      workers[index] = fleet.start(environment)
    }
  })()
  return async () => {
    ending.abort()
    await killing
    return kills
  }
}
