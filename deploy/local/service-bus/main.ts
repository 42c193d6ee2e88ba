import { parseArgs } from 'node:util'
import { startBroker } from './broker.ts'

const help = `Starts the local Service Bus broker alone, on loopback. The unmodified Azure SDK talks to it.

  node deploy/local/service-bus/main.ts [--port 5672] [--queue incidents]... [--lock-seconds 30]

  --port           0 takes a free port (default 0)
  --queue          name of a queue; may be given several times (default incidents)
  --lock-seconds   how long a message stays locked (default 30)
  --help           this text

It prints SERVICEBUS_CONNECTION_STRING=… and SERVICEBUS_QUEUE=…, then ready, and runs until SIGINT or SIGTERM. Messages live
in memory only. The administration client needs https, which only the whole stack serves (npm run stack): it makes the
certificate.
`

const options = {
  port: { type: 'string', default: '0' },
  queue: { type: 'string', multiple: true },
  'lock-seconds': { type: 'string', default: '30' },
  help: { type: 'boolean', default: false },
} as const

function readArguments() {
  const { values } = parseArgs({ options })
  const port = Number(values.port)
  const lockSeconds = Number(values['lock-seconds'])
  if (!Number.isInteger(port) || port < 0 || port > 65_535) throw new Error(`--port ${values.port} is no port number.`)
  if (!(lockSeconds > 0)) throw new Error(`--lock-seconds ${values['lock-seconds']} is no positive number.`)
  return { port, lockDurationMs: lockSeconds * 1000, names: values.queue ?? ['incidents'], help: values.help }
}

async function run(): Promise<void> {
  const { port, lockDurationMs, names, help: asked } = readArguments()
  if (asked) {
    process.stdout.write(help)
    return
  }
  const broker = await startBroker({
    port,
    // The delivery count is a backstop only: the worker counts attempts itself.
    queues: names.map((name) => ({
      name,
      lockDurationMs,
      maxDeliveryCount: 100,
      duplicateDetectionWindowMs: 600_000,
    })),
  })
  process.stdout.write(`SERVICEBUS_CONNECTION_STRING=${broker.connectionString}\nSERVICEBUS_QUEUE=${names[0]}\nready\n`)
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void broker.close())
}

run().catch((error: NodeJS.ErrnoException) => {
  const usage = error.code === undefined || error.code.startsWith('ERR_PARSE_ARGS')
  process.stderr.write(`${error.message}${usage ? ' See --help.' : ''}\n`)
  process.exitCode = usage ? 2 : 1
})
