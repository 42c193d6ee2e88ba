import { ServiceBusClient } from '@azure/service-bus'
import { foreignWorkspace } from '../../deploy/local/sentinel/workspaces.ts'
import { startStack } from '../../deploy/local/start-stack.ts'
import { WorkerProcess } from '../harness/worker-process.ts'

/**
 * Latency of one incident at a time beside its critical path: get, two model rounds, three task writes in order, get, put.
 * The other measurements of the speed goals are not built yet.
 */
const modelMs = 800
const armMs = 40
const rounds = 12
const criticalMs = armMs + 2 * modelMs + 3 * armMs + 2 * armMs

const stack = await startStack({ model: { latencyMs: modelMs }, sentinelLatencyMs: armMs, sentinelThrottle: false })
const worker = new WorkerProcess({ ...stack.environment, SENTINEL_WRITES_PER_SECOND: '1000' }, 'run')
await worker.line((line) => line.event === 'worker.started')
const incidents = stack.sentinel.store
  .incidents()
  .filter(
    (one) =>
      one.properties.status !== 'Closed' &&
      one.properties.description &&
      !one.id.includes(foreignWorkspace.subscriptionId),
  )
const client = new ServiceBusClient(stack.broker.connectionString)
const sender = client.createSender('incidents')
const times: number[] = []
for (const [index, incident] of incidents.slice(0, rounds).entries()) {
  await sender.sendMessages({ body: incident.id })
  const line = await worker.line((one) => one.event === 'incident.enriched' && one.incident === incident.name)
  if (index > 1) times.push(Number(line.ms))
}
await worker.stop()
await client.close()
await stack.close()
times.sort((a, b) => a - b)
const median = times[Math.floor(times.length / 2)] ?? 0
const publishedMs = armMs + 4 * modelMs + 3 * armMs + 2 * armMs
process.stdout.write(
  [
    `model ${modelMs} ms, ARM ${armMs} ms, ${times.length} incidents one at a time (two more to warm up)`,
    `critical path          ${criticalMs} ms`,
    `from message to settled ${median} ms median (${times[0]} to ${times.at(-1)}), ${(median / criticalMs).toFixed(3)} of the critical path`,
    `the published order's four completions one after the other would take at least ${publishedMs} ms`,
    '',
  ].join('\n'),
)
