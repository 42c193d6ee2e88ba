import { mkdirSync } from 'node:fs'
import { createRequire, registerHooks } from 'node:module'
import { join } from 'node:path'
import { parseArgs } from 'node:util'

const help = `Starts Azurite's table service alone, on loopback, without telemetry.

  node deploy/local/tables/main.ts [--port 0] [--location FOLDER]

  --port      0 takes a free port (default)
  --location  folder to keep the tables in; without it they live in memory
  --help      this text

The account and key come from AZURITE_ACCOUNTS (name:base64key). It prints TABLES_ENDPOINT=… and then ready, and runs until
SIGINT or SIGTERM.
`

const { values } = parseArgs({
  options: { port: { type: 'string', default: '0' }, location: { type: 'string' }, help: { type: 'boolean' } },
})
if (values.help) {
  process.stdout.write(help)
  process.exit(0)
}

interface AzuriteServer {
  start(): Promise<void>
  close(): Promise<void>
  getHttpServerAddress(): string
}
type Construct<T> = { default: new (...args: unknown[]) => T }

// Azurite's telemetry is never started here, and loading what would send it takes a second and a half of each start.
registerHooks({
  load: (url, context, next) =>
    url.includes('/node_modules/applicationinsights/')
      ? { format: 'commonjs', source: '', shortCircuit: true }
      : next(url, context),
})

// Azurite's own program prints the port it was asked for, not the one it got; so its server is started from its modules.
const require = createRequire(import.meta.url)
const { default: TableServer } = require('azurite/dist/src/table/TableServer.js') as Construct<AzuriteServer>
const { default: TableConfiguration } = require('azurite/dist/src/table/TableConfiguration.js') as Construct<object>

if (values.location) mkdirSync(values.location, { recursive: true })
const database = join(values.location ?? '.', '__azurite_db_table__.json')
const configuration = new TableConfiguration(
  '127.0.0.1',
  Number(values.port),
  60, // keep-alive, seconds
  database,
  false, // debug log
  false, // access log
  undefined,
  undefined,
  false, // loose
  true, // skip the check of the API version: the SDK is newer than Azurite
  '',
  '',
  '',
  undefined,
  false,
  values.location === undefined,
)
const server = new TableServer(configuration)
await server.start()
process.stdout.write(`TABLES_ENDPOINT=${server.getHttpServerAddress()}\nready\n`)

let closing = false
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, () => {
    if (closing) process.exit(1)
    closing = true
    void server.close().then(() => process.exit(0))
  })
}
// Whoever started it holds its standard input: when that process is killed, this one must not stay.
process.stdin
  .on('end', () => process.exit(0))
  .on('error', () => process.exit(0))
  .resume()
