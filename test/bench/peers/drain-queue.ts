import { ServiceBusClient } from '@azure/service-bus'
import rhea, { type EventContext } from 'rhea'

/**
 * Takes messages and does nothing with them, as fast as it can: `sdk` through `@azure/service-bus`, `amqp` through plain
 * AMQP, which costs the client less.
 */
const [way] = process.argv.slice(2)
const connectionString = process.env.SERVICEBUS_CONNECTION_STRING ?? ''
const queue = process.env.SERVICEBUS_QUEUE ?? ''
const credit = 500

if (way === 'sdk') {
  const receiver = new ServiceBusClient(connectionString).createReceiver(queue, { maxAutoLockRenewalDurationInMs: 0 })
  receiver.subscribe(
    { processMessage: async () => undefined, processError: async ({ error }) => console.error(error) },
    { maxConcurrentCalls: credit, autoCompleteMessages: true },
  )
} else {
  const endpoint = new URL(/Endpoint=(sb:\/\/[^;]+)/.exec(connectionString)?.[1] ?? '')
  const connection = rhea.create_container().connect({
    host: endpoint.hostname,
    port: Number(endpoint.port),
    reconnect: false,
  })
  const receiver = connection.open_receiver({ source: queue, credit_window: credit, autoaccept: false })
  receiver.on('message', ({ delivery }: EventContext) => delivery?.accept())
}
process.once('SIGTERM', () => process.exit(0))
