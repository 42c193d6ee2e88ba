import { type ChildProcess, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { ServiceBusClient } from '@azure/service-bus'
import { logicAppBodies } from './demo/logic-app-bodies.ts'
import { printReport, type SettledLine } from './demo/report.ts'
import { foreignWorkspace } from './sentinel/workspaces.ts'
import { startStack } from './start-stack.ts'

const help = `The main job on the embedded stack: 40 incidents through two worker processes.

  npm run demo

It starts a Service Bus broker, the Sentinel API, a model, an identity endpoint and Azurite on loopback, then two workers,
and puts incidents on the queue in the shapes that a Logic App sends: one twice, one malformed, one from a workspace that is
not allowed. With OPENAI_API_KEY (and OPENAI_BASE_URL, OPENAI_MODEL) set, it asks that model instead of the built-in one.
Exit code: 0 when everything is as promised, 1 when not. NO_COLOR is honoured.
`
if (process.argv.includes('--help') || process.argv.includes('-h')) {
  process.stdout.write(help)
  process.exit(0)
}

const incidentCount = 40
const patienceMs = 120_000
const started = Date.now()
const own = process.env.OPENAI_API_KEY ? pick('OPENAI_API_KEY', 'OPENAI_BASE_URL', 'OPENAI_MODEL') : undefined

const stack = await startStack({ model: { latencyMs: 400 }, sentinelLatencyMs: 10 })
const workers: ChildProcess[] = []
const lines: SettledLine[] = []
let stopping = false
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, () => {
    process.stderr.write('\nStopped: workers and stack are ended.\n')
    void stop().then(() => process.exit(130))
  })
}

try {
  process.stdout.write(`The stack runs on loopback${own ? ', with your own model' : ''}. Starting two workers.\n`)
  const settled = startWorkers(2)
  const incidents = stack.sentinel.store
    .incidents()
    .filter((one) => one.properties.status !== 'Closed' && !isForeign(one.id))
    .slice(0, incidentCount)
  const foreign = stack.sentinel.store.incidents().find((one) => isForeign(one.id))
  const bodies = logicAppBodies(incidents, foreign)
  await send(bodies)
  await settled(bodies.length)
  await stop(false)
  const good = printReport({
    stack,
    incidents,
    lines,
    elapsedMs: Date.now() - started,
    ownModel: own !== undefined,
    sent: bodies.length,
  })
  process.exitCode = good ? 0 : 1
} catch (error) {
  process.stderr.write(`The demo failed: ${error instanceof Error ? error.message : String(error)}\n`)
  process.exitCode = 1
} finally {
  await stop()
}

function isForeign(id: string): boolean {
  return id.toLowerCase().includes(foreignWorkspace.armId.toLowerCase())
}

/** Starts workers, and gives a promise of how many messages were settled for good. */
function startWorkers(count: number): (messages: number) => Promise<void> {
  const { OPENAI_API_KEY: _key, OPENAI_API_KEY_FILE: _file, AZURE_OPENAI_ENDPOINT: _azure, ...inherited } = process.env
  const environment = {
    ...inherited,
    ...stack.environment,
    ...own,
    HEALTH_PORT: '0',
    LOG_LEVEL: 'info',
    NODE_ENV: 'production',
  }
  if (own && !own.OPENAI_BASE_URL) delete (environment as Record<string, unknown>).OPENAI_BASE_URL
  let done = 0
  let wanted = Number.POSITIVE_INFINITY
  let finish: () => void = () => undefined
  let fail: (error: Error) => void = () => undefined
  const finished = new Promise<void>((resolve, reject) => {
    finish = resolve
    fail = reject
  })
  finished.catch(() => undefined)
  const progress = setInterval(() => process.stdout.isTTY && showProgress(done, wanted), 100)
  const timeout = setTimeout(
    () => fail(new Error(`not everything was settled within ${patienceMs / 1000} s`)),
    patienceMs,
  )
  for (let index = 0; index < count; index++) {
    const worker = spawn(process.execPath, [fileURLToPath(new URL('../../worker/main.ts', import.meta.url)), 'run'], {
      env: environment,
      // Its own process group: ctrl-C reaches the demo alone, which then ends the workers in order.
      detached: true,
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    workers.push(worker)
    worker.on('exit', (code) => {
      if (!stopping) fail(new Error(`a worker ended with ${code}; its reason is above`))
    })
    createInterface({ input: worker.stdout }).on('line', (text) => {
      const line = JSON.parse(text) as SettledLine
      if (!/^incident\.(enriched|skipped|dead-lettered|deferred|released)$/.test(line.event ?? '')) return
      lines.push(line)
      if (line.event === 'incident.deferred' || line.event === 'incident.released') return
      done++
      if (!process.stdout.isTTY && done % 10 === 0) process.stdout.write(`${done} messages settled\n`)
      if (done >= wanted) finish()
    })
  }
  return async (messages) => {
    wanted = messages
    if (done >= wanted) finish()
    try {
      await finished
    } finally {
      clearInterval(progress)
      clearTimeout(timeout)
      if (process.stdout.isTTY) process.stdout.write('\r\u001B[K')
    }
  }
}

function showProgress(done: number, wanted: number): void {
  if (!Number.isFinite(wanted)) return
  const width = 30
  const filled = Math.round((done / wanted) * width)
  process.stdout.write(`\r${'█'.repeat(filled)}${'░'.repeat(width - filled)} ${done} of ${wanted} messages settled `)
}

async function send(bodies: ReturnType<typeof logicAppBodies>): Promise<void> {
  const client = new ServiceBusClient(stack.broker.connectionString)
  try {
    await client.createSender(stack.environment.SERVICEBUS_QUEUE ?? 'incidents').sendMessages(bodies)
    process.stdout.write(`${bodies.length} messages are on the queue.\n`)
  } finally {
    await client.close()
  }
}

/** Ends the workers, and then the stack unless it is still to be read. */
async function stop(all = true): Promise<void> {
  stopping = true
  await Promise.all(
    workers.splice(0).map(async (worker) => {
      if (worker.exitCode !== null || worker.signalCode !== null) return
      const gone = new Promise((resolve) => worker.once('exit', resolve))
      worker.kill('SIGTERM')
      const force = setTimeout(() => worker.kill('SIGKILL'), 10_000)
      await gone
      clearTimeout(force)
    }),
  )
  if (all) await stack.close()
}

function pick(...names: string[]): Record<string, string> {
  return Object.fromEntries(names.flatMap((name) => (process.env[name] ? [[name, process.env[name] as string]] : [])))
}
