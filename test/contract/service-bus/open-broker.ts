import type { TestContext } from 'node:test'
import { ServiceBusClient, type ServiceBusReceivedMessage, type ServiceBusReceiver } from '@azure/service-bus'
import {
  type Broker,
  type BrokerOptions,
  type QueueSettings,
  startBroker,
} from '../../../deploy/local/service-bus/broker.ts'

const retryOptions = { maxRetries: 1, retryDelayInMs: 100, maxRetryDelayInMs: 200, timeoutInMs: 3_000 }

/** A broker with one queue and a client on it; everything is closed when the test ends. */
export async function openBroker(
  test: TestContext,
  settings: Partial<QueueSettings> = {},
  options: BrokerOptions = {},
): Promise<{ broker: Broker; client: ServiceBusClient; connect: () => ServiceBusClient }> {
  const broker = await startBroker({ queues: [{ name: 'q', ...settings }], ...options })
  const clients: ServiceBusClient[] = []
  const connect = () => {
    const client = new ServiceBusClient(broker.connectionString, { retryOptions })
    clients.push(client)
    return client
  }
  test.after(async () => {
    // Closing can hang on a connection that a fault left half-open; the broker's end frees it.
    const closing = clients.map((client) => client.close().catch(() => undefined))
    await Promise.race([Promise.all(closing), new Promise((resolve) => setTimeout(resolve, 1_000))])
    await broker.close()
    await Promise.race([Promise.all(closing), new Promise((resolve) => setTimeout(resolve, 1_000))])
  })
  return { broker, client: connect(), connect }
}

/** Waits for one event of the broker. */
export function once<K extends Parameters<Broker['events']['once']>[0]>(broker: Broker, event: K): Promise<unknown> {
  return new Promise((resolve) => broker.events.once(event as 'enqueued', resolve))
}

/** Receives exactly one message. */
export async function receiveOne(
  receiver: ServiceBusReceiver,
  maxWaitTimeInMs = 5_000,
): Promise<ServiceBusReceivedMessage> {
  const [message] = await receiver.receiveMessages(1, { maxWaitTimeInMs })
  if (!message) throw new Error('no message came')
  return message
}
