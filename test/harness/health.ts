import { setInterval } from 'node:timers/promises'
import type { WorkerProcess } from './worker-process.ts'

export interface Health {
  live: number
  ready: number
  /** Where the pump says it is. */
  state: string
  status: Record<string, unknown>
}

/** What the three endpoints of a worker process answer, in one moment. */
export async function healthOf(worker: WorkerProcess): Promise<Health> {
  const { healthPort } = await worker.line((line) => line.event === 'worker.started')
  const get = (path: string) => fetch(`http://127.0.0.1:${healthPort}${path}`)
  const [live, ready, page] = await Promise.all([get('/healthz/live'), get('/healthz/ready'), get('/status')])
  const status = (await page.json()) as Record<string, unknown>
  return { live: live.status, ready: ready.status, state: String(status.state), status }
}

/** Asks again and again, as a probe does, until the answer fits. @throws Error with the last answer after `withinMs` */
export async function untilHealth(
  worker: WorkerProcess,
  fits: (health: Health) => boolean,
  withinMs: number,
): Promise<number> {
  const started = performance.now()
  for await (const _ of setInterval(50)) {
    const health = await healthOf(worker)
    const ms = performance.now() - started
    if (fits(health)) return ms
    if (ms > withinMs) throw new Error(`after ${Math.round(ms)} ms still ${JSON.stringify(health)}`)
  }
  throw new Error('unreachable')
}

/** Asks for as long as `while` is pending. @returns every different answer, as `live/ready state` */
export async function healthDuring(worker: WorkerProcess, pending: Promise<unknown>): Promise<Set<string>> {
  let over = false
  void pending.finally(() => {
    over = true
  })
  const seen = new Set<string>()
  while (!over) {
    const { live, ready, state } = await healthOf(worker)
    seen.add(`${live}/${ready} ${state}`)
  }
  return seen
}
