import { fileURLToPath } from 'node:url'
import { Fleet } from './fleet.ts'
import { addIncidents } from './incidents.ts'
import { assertEnrichedOnce, assertQueueEmpty, queueEmpty } from './verdict.ts'
import { WorkerProcess } from './worker-process.ts'

/** What a worker holds at one moment; sizes in bytes. */
export interface Holding {
  incidents: number
  rss: number
  heapUsed: number
  external: number
  resources: Record<string, number>
  listeners: number
}

/** What a soak found: the holdings after each round, and how long the rounds took. */
export interface SoakReport {
  holdings: Holding[]
  seconds: number
  tableRows: number
}

const probe = fileURLToPath(new URL('./leak-probe.ts', import.meta.url))

/**
 * Puts incidents through one worker, round by round, with nothing taking any time, and asks after each round what the worker
 * process holds.
 */
export async function soak(options: {
  rounds: number
  incidentsPerRound: number
  onRound?: (holding: Holding) => void
}): Promise<SoakReport> {
  const fleet = await Fleet.open({ queue: { duplicateDetectionWindowMs: 0 }, model: { keepJournal: 100 } })
  let rows = 0
  fleet.stack.tables.events.on('written', (write) => {
    if (write.method === 'POST' && write.path.includes('EnricherRuns') && write.status < 300) rows++
  })
  try {
    const entry = WorkerProcess.entry
    WorkerProcess.entry = ['--expose-gc', '--import', probe, ...entry]
    const worker = fleet.start({ CONCURRENCY: '32', SENTINEL_WRITES_PER_SECOND: '10000', LOG_LEVEL: 'warn' })
    WorkerProcess.entry = entry
    const holdings: Holding[] = []
    const started = performance.now()
    for (let round = 0; round < options.rounds; round++) {
      const incidents = addIncidents(fleet.stack, options.incidentsPerRound)
      await fleet.send(incidents.map(({ armId }) => armId))
      await queueEmpty(fleet.stack)
      assertQueueEmpty(fleet.stack)
      assertEnrichedOnce(fleet.stack, incidents)
      const seen = worker.lines.length
      worker.child.kill('SIGUSR2')
      const line = await worker.line((one) => one.event === 'probe' && worker.lines.indexOf(one) >= seen)
      const holding = { ...line, incidents: (round + 1) * options.incidentsPerRound } as unknown as Holding
      holdings.push(holding)
      options.onRound?.(holding)
    }
    return { holdings, seconds: (performance.now() - started) / 1000, tableRows: rows }
  } finally {
    await fleet.close()
  }
}

/**
 * Growth per 10,000 incidents: the slope through the rounds after the warm-up, during which code is still compiled and caches
 * fill. Least squares, because one holding alone is at the mercy of the collector.
 *
 * @returns bytes per 10,000 incidents
 */
export function growthPer10000(
  holdings: readonly Holding[],
  of: 'rss' | 'heapUsed' | 'external',
  warmUpRounds: number,
): number {
  const points = holdings.slice(warmUpRounds)
  const meanX = points.reduce((sum, one) => sum + one.incidents, 0) / points.length
  const meanY = points.reduce((sum, one) => sum + one[of], 0) / points.length
  const slope =
    points.reduce((sum, one) => sum + (one.incidents - meanX) * (one[of] - meanY), 0) /
    points.reduce((sum, one) => sum + (one.incidents - meanX) ** 2, 0)
  return slope * 10_000
}
