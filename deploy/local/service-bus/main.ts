import { parseArgs } from 'node:util'
import { startBroker } from './broker.ts'

const help = `Starts the local Service Bus broker alone, on loopback. The unmodified Azure SDK talks to it.

  node deploy/local/service-bus/main.ts [--port 5672] [--queue incidents] [--lock-seconds 30]

  --port           0 takes a free port (default)
  --queue          name of the queue (default incidents)
  --lock-seconds   how long a message stays locked (default 30)
  --help           this text

It prints SERVICEBUS_CONNECTION_STRING=… and then ready, and runs until SIGINT or SIGTERM. The administration client needs
https, which only the whole stack serves (npm run stack), since it makes the certificate.
`

const { values } = parseArgs({
  options: {
    port: { type: 'string', default: '0' },
    queue: { type: 'string', default: 'incidents' },
    'lock-seconds': { type: 'string', default: '30' },
    help: { type: 'boolean' },
  },
})
if (values.help) {
  process.stdout.write(help)
  process.exit(0)
}
const broker = await startBroker({
  port: Number(values.port),
  queues: [
    {
      name: values.queue,
      lockDurationMs: Number(values['lock-seconds']) * 1000,
      maxDeliveryCount: 100,
      duplicateDetectionWindowMs: 600_000,
    },
  ],
})
process.stdout.write(
  `SERVICEBUS_CONNECTION_STRING=${broker.connectionString}\nSERVICEBUS_QUEUE=${values.queue}\nready\n`,
)
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void broker.close())
