import { readFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { createLocalCertificate } from '../certificate.ts'
import { localSeeds } from './seeds/local-seeds.ts'
import { startSentinel } from './server.ts'
import { localWorkspaces } from './workspaces.ts'

const help = `Runs the local Microsoft Sentinel until SIGINT or SIGTERM.

  node deploy/local/sentinel/main.ts [--port N] [--key F --cert F] [--latency MS] [--no-throttle]

  --port N         port on 127.0.0.1 (default: a free one)
  --key, --cert    PEM files; without them a certificate is made, and NODE_EXTRA_CA_CERTS says where it is
  --latency MS     added to every answer
  --no-throttle    turns Azure Resource Manager's token buckets off

Example: node deploy/local/sentinel/main.ts --port 8443
`

const { values } = parseArgs({
  options: {
    port: { type: 'string', default: '0' },
    key: { type: 'string' },
    cert: { type: 'string' },
    latency: { type: 'string', default: '0' },
    'no-throttle': { type: 'boolean', default: false },
    help: { type: 'boolean', short: 'h', default: false },
  },
})
if (values.help) {
  process.stdout.write(help)
  process.exit(0)
}
const certificate =
  values.key && values.cert
    ? {
        key: readFileSync(values.key, 'utf8'),
        cert: readFileSync(values.cert, 'utf8'),
        file: values.cert,
        dispose: () => {},
      }
    : await createLocalCertificate()
const sentinel = await startSentinel({
  port: Number(values.port),
  certificate,
  seeds: localSeeds,
  latencyMs: Number(values.latency),
  throttle: !values['no-throttle'],
})

console.log(`AZURE_RESOURCE_MANAGER_URL=${sentinel.url}`)
console.log(`SENTINEL_WORKSPACES=${localWorkspaces.map(({ armId }) => armId).join(',')}`)
console.log(`NODE_EXTRA_CA_CERTS=${certificate.file}`)
console.log('ready')

let stopping = false
async function stop(): Promise<void> {
  if (stopping) return
  stopping = true
  await sentinel.close()
  certificate.dispose()
}
process.on('SIGINT', stop)
process.on('SIGTERM', stop)
