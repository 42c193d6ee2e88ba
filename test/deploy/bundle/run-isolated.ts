/**
 * The inside of the bundle's test: runs in a network namespace with nothing but loopback, starts the embedded stack there, runs
 * the bundle as the image would, and prints what happened as one JSON line. Arguments: the bundle's folder (read-only), a node
 * that everybody may run, the user to run as ("" keeps the one that is).
 */
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, copyFileSync, readFileSync, writeFileSync } from 'node:fs'
import { createConnection } from 'node:net'
import { join } from 'node:path'
import { ServiceBusClient } from '@azure/service-bus'
import { startStack } from '../../../deploy/local/start-stack.ts'
import { WorkerOutput } from '../../harness/worker-process.ts'

const [folder = '', node = '', user = ''] = process.argv.slice(2)
const stack = await startStack({ model: { latencyMs: 20 } })
const certificate = join(folder, '..', 'local-stack.pem')
copyFileSync(stack.certificate.file, certificate)
chmodSync(certificate, 0o644)

const asUser = user ? ['setpriv', `--reuid=${user}`, `--regid=${user}`, '--clear-groups', '--no-new-privs'] : []
const [program = '', ...args] = [...asUser, node, join(folder, 'enricher.js'), 'run']
const child = spawn(program, args, {
  cwd: folder,
  env: {
    PATH: '/usr/bin:/bin',
    NODE_ENV: 'production',
    HEALTH_PORT: '0',
    ...stack.environment,
    NODE_EXTRA_CA_CERTS: certificate,
  },
  stdio: ['ignore', 'pipe', 'pipe'],
})
const worker = new WorkerOutput(child)
const { healthPort } = await worker.line((line) => line.event === 'worker.started')
const incident = stack.sentinel.store.incidents().find((one) => one.properties.status === 'New')
const client = new ServiceBusClient(stack.broker.connectionString)
await client.createSender('incidents').sendMessages({ body: incident?.id })
await worker.line((line) => line.event === 'incident.enriched')
await client.close()
const health = [Number(healthPort), 1].map(
  (port) => spawnSync(node, [join(folder, 'healthcheck.js')], { env: { HEALTH_PORT: String(port) } }).status,
)
const uid = /^Uid:\s+(\d+)/m.exec(readFileSync(`/proc/${child.pid}/status`, 'utf8'))?.[1]
const exitCode = await worker.stop()
await stack.close()

const outside = createConnection({ host: '192.0.2.1', port: 443 })
const [refusal] = (await once(outside, 'error')) as [NodeJS.ErrnoException]
process.stdout.write(
  `${JSON.stringify({ tasks: stack.sentinel.store.tasks(incident?.id ?? '').length, uid, health, exitCode, outside: refusal.code, writable: canWrite(), stderr: worker.stderr })}\n`,
)
process.exit(0)

function canWrite(): boolean {
  try {
    writeFileSync(join(folder, 'probe'), '')
    return true
  } catch {
    return false
  }
}
