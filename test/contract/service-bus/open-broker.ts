import type { TestContext } from 'node:test'
import {
  type RetryOptions,
  ServiceBusClient,
  type ServiceBusReceivedMessage,
  type ServiceBusReceiver,
} from '@azure/service-bus'
import {
  type Broker,
  type BrokerOptions,
  type QueueEvents,
  type QueueSettings,
  startBroker,
} from '../../../deploy/local/service-bus/broker.ts'

const quickRetry: RetryOptions = { maxRetries: 1, retryDelayInMs: 100, maxRetryDelayInMs: 200, timeoutInMs: 3_000 }

/** A broker with one queue, `q`, and a client on it; everything is closed when the test ends. */
export async function openBroker(
  test: TestContext,
  settings: Partial<QueueSettings> = {},
  options: BrokerOptions = {},
): Promise<{ broker: Broker; client: ServiceBusClient; connect: (retryOptions?: RetryOptions) => ServiceBusClient }> {
  const broker = await startBroker({ queues: [{ name: 'q', ...settings }], ...options })
  const clients: ServiceBusClient[] = []
  const connect = (retryOptions: RetryOptions = {}) => {
    const client = new ServiceBusClient(broker.connectionString, { retryOptions: { ...quickRetry, ...retryOptions } })
    clients.push(client)
    return client
  }
  test.after(async () => {
    broker.faults.clear()
    await Promise.all(clients.map(closeClient))
    await broker.close()
  })
  return { broker, client: connect(), connect }
}

/** Closing waits for an answer; on a connection that a fault has broken it may never come. */
async function closeClient(client: ServiceBusClient): Promise<void> {
  const patience = new AbortController()
  const closed = client.close().catch(() => undefined)
  const given = new Promise<void>((resolve) => {
    const timer = setTimeout(resolve, 2_000)
    patience.signal.addEventListener('abort', () => clearTimeout(timer))
  })
  await Promise.race([closed, given])
  patience.abort()
}

/** Waits for the next event of a kind. */
export function next<K extends keyof QueueEvents>(broker: Broker, event: K): Promise<QueueEvents[K][0]> {
  const { promise, resolve } = Promise.withResolvers<QueueEvents[K][0]>()
  broker.events.once(event as 'enqueued', resolve as (told: QueueEvents['enqueued'][0]) => void)
  return promise
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

/** Receives as many as asked for; one call may bring fewer. */
export async function receiveAll(receiver: ServiceBusReceiver, count: number): Promise<ServiceBusReceivedMessage[]> {
  const messages: ServiceBusReceivedMessage[] = []
  while (messages.length < count) {
    const some = await receiver.receiveMessages(count - messages.length, { maxWaitTimeInMs: 5_000 })
    if (some.length === 0) throw new Error(`only ${messages.length} of ${count} messages came`)
    messages.push(...some)
  }
  return messages
}

/**
 * Subscribes, and completes each message once its handler is done; `completed` is called when the completion is answered.
 * A client that is closed earlier settles over management instead, on a link whose 45-minute token timer nobody clears:
 * the process would not end (@azure/service-bus 7.9.5).
 */
export function subscribe(
  receiver: ServiceBusReceiver,
  maxConcurrentCalls: number,
  handle: (message: ServiceBusReceivedMessage) => Promise<void> | void,
  completed: (message: ServiceBusReceivedMessage) => void,
): void {
  receiver.subscribe(
    {
      processMessage: async (message) => {
        await handle(message)
        await receiver.completeMessage(message)
        completed(message)
      },
      processError: async () => undefined,
    },
    { maxConcurrentCalls, autoCompleteMessages: false },
  )
}

/** For `assert.rejects`: the SDK wraps an error that it retried into an AggregateError without a code. */
export function hasCode(...wanted: string[]) {
  return (error: Error & { code?: string; errors?: { code?: string }[] }): boolean =>
    [error, ...(error.errors ?? [])].some((one) => one.code !== undefined && wanted.includes(one.code))
}
