import { chmodSync, copyFileSync, rmSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { createLocalCertificate } from './certificate.ts'
import { startIdentity } from './identity/server.ts'
import { startModel } from './model/server.ts'
import { localSeeds } from './sentinel/seeds/local-seeds.ts'
import { startSentinel } from './sentinel/server.ts'

const help = `Starts what docker/compose.yaml has no container of: the Sentinel API, a model and a managed identity, on loopback.

  node deploy/local/compose-servers.ts --certificate /certificates/local-stack.pem --identity-header demo

  --sentinel-port    default 8443
  --model-port       default 4010
  --identity-port    default 8081
  --latency-ms       how long the model takes to answer (default 800)
  --identity-header  what a worker's IDENTITY_HEADER says
  --certificate      where to put the certificate that a worker's NODE_EXTRA_CA_CERTS names
  --help             this text

The worker's container shares this one's network, so that loopback is the same for both. It runs until SIGINT or SIGTERM.
`

const { values } = parseArgs({
  options: {
    'sentinel-port': { type: 'string', default: '8443' },
    'model-port': { type: 'string', default: '4010' },
    'identity-port': { type: 'string', default: '8081' },
    'latency-ms': { type: 'string', default: '800' },
    'identity-header': { type: 'string' },
    certificate: { type: 'string' },
    help: { type: 'boolean', default: false },
  },
})
if (values.help || !values.certificate || !values['identity-header']) {
  process.stdout.write(help)
  process.exit(values.help ? 0 : 2)
}

// One of an earlier run may lie there; a worker that started with it would trust nobody.
rmSync(values.certificate, { force: true })
const certificate = await createLocalCertificate()
const identity = await startIdentity({ port: Number(values['identity-port']), secret: values['identity-header'] })
const sentinel = await startSentinel({
  port: Number(values['sentinel-port']),
  certificate,
  seeds: localSeeds,
  acceptToken: (bearer) => identity.accepts(bearer),
})
const model = await startModel({ port: Number(values['model-port']), latencyMs: Number(values['latency-ms']) })
// Last: the certificate's file says that everything is up.
copyFileSync(certificate.file, values.certificate)
chmodSync(values.certificate, 0o644)
const incidents = sentinel.store.incidents().filter((one) => one.properties.status !== 'Closed')
console.log(`AZURE_RESOURCE_MANAGER_URL=${sentinel.url}`)
console.log(`OPENAI_BASE_URL=${model.openaiBaseUrl}`)
console.log(`IDENTITY_ENDPOINT=${identity.environment.IDENTITY_ENDPOINT}`)
console.log(`An incident to enqueue: ${incidents[0]?.id}`)
console.log('ready')

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => {
    void Promise.all([sentinel.close(), model.close(), identity.close()]).then(() => certificate.dispose())
  })
}
