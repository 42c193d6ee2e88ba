/**
 * Preloaded into a worker (`node --import`): on SIGUSR2 collects garbage and writes what the process holds, as a log line.
 * Needs `--expose-gc`.
 */
import { getActiveResourcesInfo, memoryUsage } from 'node:process'

process.on('SIGUSR2', () => {
  const collect = (globalThis as { gc?: () => void }).gc
  collect?.()
  setImmediate(() => {
    collect?.()
    const resources: Record<string, number> = {}
    for (const name of getActiveResourcesInfo()) resources[name] = (resources[name] ?? 0) + 1
    const { rss, heapUsed, external } = memoryUsage()
    const listeners = process.eventNames().reduce((sum, name) => sum + process.listenerCount(name), 0)
    process.stdout.write(`${JSON.stringify({ event: 'probe', rss, heapUsed, external, resources, listeners })}\n`)
  })
})
