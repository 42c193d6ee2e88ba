import { parseArgs } from 'node:util'
import { startIdentity } from './server.ts'

const help = `Runs the local managed identity endpoint until SIGINT or SIGTERM.

  node deploy/local/identity/main.ts [--port N] [--expires-in SECONDS]

  --port N                port on 127.0.0.1 (default: a free one)
  --expires-in SECONDS    lifetime of the tokens (default: 3600)

Example: node deploy/local/identity/main.ts --port 8081
`

const { values } = parseArgs({
  options: {
    port: { type: 'string', default: '0' },
    'expires-in': { type: 'string', default: '3600' },
    help: { type: 'boolean', short: 'h', default: false },
  },
})
if (values.help) {
  process.stdout.write(help)
  process.exit(0)
}
const identity = await startIdentity({ port: Number(values.port), expiresInSeconds: Number(values['expires-in']) })
for (const [name, value] of Object.entries(identity.environment)) console.log(`${name}=${value}`)
console.log('ready')

process.once('SIGINT', () => void identity.close())
process.once('SIGTERM', () => void identity.close())
