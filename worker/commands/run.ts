import { systemClock } from '../../shared/clock.ts'
import { createLog } from '../../shared/log.ts'
import { composeWorker, type Worker } from '../compose.ts'
import { readConfiguration } from '../configuration.ts'
import { startHealthServer } from '../health/health-server.ts'
import { reportHealth } from '../health/report-health.ts'
import { loadPlaybook } from '../playbooks/load-playbook.ts'
import { whenIdle } from '../pump/idle-watch.ts'
import { startTelemetry } from '../telemetry/start-telemetry.ts'
import { UsageError } from './explain-failure.ts'
import { keepCrashesQuiet } from './keep-crashes-quiet.ts'
import { logDestination } from './log-destination.ts'

/** Longest time that closing the connections may take once everything is handed back. */
const closeTimeoutMs = 3_000

export interface RunOptions {
  /** End by itself once the queue has been empty for `idle` seconds. */
  drain?: boolean
  idle?: string
}

const defaultIdleSeconds = 5

/** `enricher run`: the long-running worker. @returns the exit code */
export async function run(options: RunOptions = {}): Promise<number> {
  const idleMs = idleMsOf(options)
  const configuration = readConfiguration(process.env)
  const playbook = loadPlaybook(configuration.playbookFile)
  const log = createLog(configuration.logLevel, await logDestination())
  keepCrashesQuiet(log)
  const telemetry = await startTelemetry(configuration.telemetry)
  const worker = composeWorker(configuration, playbook, log, telemetry)
  const startedAt = Date.now()
  const health = await startHealthServer(configuration.healthPort, () =>
    reportHealth({ ...worker, configuration, playbook, startedAt }),
  )
  worker.pump.start()
  log.info(
    {
      event: 'worker.started',
      queue: configuration.queue.queue,
      playbook: playbook.name,
      playbookVersion: playbook.version,
      model: configuration.model.model ?? playbook.model,
      provider: configuration.model.provider,
      concurrency: configuration.concurrency,
      stateStore: configuration.state.store,
      healthPort: health.port,
    },
    'the worker takes incidents',
  )

  const ended = new AbortController()
  const drained = idleMs === undefined ? undefined : whenDrained(worker, idleMs, ended.signal)
  const signalled = firstSignal(() => {
    log.fatal(
      { event: 'worker.stopped', exitCode: 1 },
      'a second signal: ending at once; locks in flight end by themselves',
    )
    process.exit(1)
  })
  const signal = await (drained ? Promise.race([signalled, drained]) : signalled)
  ended.abort()
  const inFlight = worker.pump.inFlight
  log.info(
    { event: 'worker.draining', signal, inFlight, graceMs: configuration.shutdownGraceMs },
    'the worker stops taking incidents',
  )
  const handedBack = await worker.pump.drain(configuration.shutdownGraceMs)
  await within(closeTimeoutMs, worker.close())
  await within(closeTimeoutMs, telemetry.shutdown())
  log.info({ event: 'worker.stopped', exitCode: 0, handedBack, ...worker.pump.counters }, 'the worker stopped')
  // The health server closes last: until here it told the truth.
  await within(closeTimeoutMs, health.close())
  // A connection that cannot be closed would keep the process; everything it could lose has been handed back.
  setTimeout(() => process.exit(0), 500).unref()
  return 0
}

/** @throws UsageError */
function idleMsOf({ drain, idle }: RunOptions): number | undefined {
  if (idle !== undefined && !drain) throw new UsageError('--idle says how long --drain waits: give --drain with it.')
  const seconds = idle === undefined ? defaultIdleSeconds : Number(idle)
  if (!(seconds >= 0 && seconds <= 86_400)) throw new UsageError(`--idle takes a number of seconds, not ${idle}.`)
  return drain ? seconds * 1000 : undefined
}

function whenDrained(worker: Worker, idleMs: number, signal: AbortSignal): Promise<'drained'> {
  const parts = { connection: worker.connection, inFlight: () => worker.pump.inFlight, clock: systemClock }
  // Aborted by a signal: the race is decided, and nobody listens to this any more.
  return whenIdle(parts, idleMs, signal).then(
    () => 'drained',
    () => new Promise(() => undefined),
  )
}

/** Resolves with the first SIGTERM or SIGINT; every later one calls `again`. */
function firstSignal(again: () => void): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    let first = true
    for (const name of ['SIGTERM', 'SIGINT'] as const) {
      process.on(name, () => {
        if (!first) return again()
        first = false
        resolve(name)
      })
    }
  })
}

async function within(limitMs: number, work: Promise<unknown>): Promise<void> {
  const limit = new Promise((resolve) => setTimeout(resolve, limitMs).unref())
  await Promise.race([work.catch(() => undefined), limit])
}
