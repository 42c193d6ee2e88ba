import { parseArgs } from 'node:util'
import { startStack } from './start-stack.ts'

const help = `Starts the embedded stack on loopback: a Service Bus broker, the Sentinel API, a model, an identity endpoint and Azurite.

  npm run stack
  npm run stack -- --latency-ms 300 --tables-folder .stack

  --latency-ms      how long the model takes to answer (default 800)
  --tables-folder   where the tables are kept (default .stack); "memory" keeps them in memory
  --help            this text

It prints what connects a worker to it as NAME=value lines, then "ready", and runs until SIGINT or SIGTERM. In a second
terminal: put the lines into a file .env, then run

  npx enricher run        (after npm run build; from source: node worker/main.ts run)
`

const { values } = parseArgs({
  options: {
    'latency-ms': { type: 'string', default: '800' },
    'tables-folder': { type: 'string', default: '.stack' },
    help: { type: 'boolean' },
  },
})
if (values.help) {
  process.stdout.write(help)
  process.exit(0)
}

const folder = values['tables-folder']
const stack = await startStack({
  model: { latencyMs: Number(values['latency-ms']) },
  ...(folder === 'memory' ? {} : { tablesFolder: folder }),
})
for (const [name, value] of Object.entries(stack.environment)) process.stdout.write(`${name}=${value}\n`)
process.stdout.write('ready\n')

let stopping = false
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, () => {
    if (stopping) process.exit(1)
    stopping = true
    void stack.close().then(() => process.exit(0))
  })
}
