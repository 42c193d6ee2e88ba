import type { TokenCredential } from '@azure/identity'
import {
  ServiceBusClient,
  type ServiceBusClientOptions,
  type ServiceBusReceivedMessage,
  type ServiceBusReceiver,
  type ServiceBusSender,
} from '@azure/service-bus'
import Long from 'long'
import type { QueueConfiguration } from '../configuration.ts'

/**
 * Seconds, not the SDK's minutes: a settlement that hangs holds a slot, and the SDK's 30 s between reconnects are 30 s
 * without work after a broker's restart of one.
 */
const clientOptions: ServiceBusClientOptions = {
  retryOptions: { maxRetries: 1, retryDelayInMs: 300, maxRetryDelayInMs: 1_000, timeoutInMs: 4_000 },
}
/** `client.close()` can hang on a half-open connection. */
const closeTimeoutMs = 2_000

/**
 * The worker's two connections to the queue. Messages come by one; locks are renewed, copies are sent, and messages whose
 * link is gone are settled by the other, which never saw their link.
 */
export class QueueConnection {
  readonly queue: string
  readonly #open: () => ServiceBusClient
  #intake: ServiceBusClient
  #control: ServiceBusClient
  #controlReceiver: ServiceBusReceiver
  #sender: ServiceBusSender

  constructor(configuration: QueueConfiguration, credential: () => TokenCredential) {
    this.queue = configuration.queue
    this.#open = () => openQueueClient(configuration, credential)
    this.#intake = this.#open()
    this.#control = this.#open()
    this.#controlReceiver = this.#receiver()
    this.#sender = this.#control.createSender(this.queue)
  }

  get intake(): ServiceBusClient {
    return this.#intake
  }

  /** For renewing, peeking, and settling over `$management`. */
  get control(): ServiceBusReceiver {
    return this.#controlReceiver
  }

  get sender(): ServiceBusSender {
    return this.#sender
  }

  /**
   * The first messages of the queue from a sequence number on (the first one without it), locked ones included, without
   * locking any. The number is always given: without one the SDK goes on where the client's last peek of this queue ended,
   * whichever receiver made it, and each message would be seen once.
   */
  async peekFirst(
    count: number,
    abortSignal: AbortSignal,
    fromSequenceNumber: Long = Long.ZERO,
  ): Promise<ServiceBusReceivedMessage[]> {
    const receiver = this.#receiver()
    try {
      return await receiver.peekMessages(count, { abortSignal, fromSequenceNumber })
    } finally {
      receiver.close().catch(() => undefined)
    }
  }

  /** Replaces both connections, which seem dead; what hangs in the old ones ends with their time-outs. */
  rebuild(): void {
    const old = [this.#intake, this.#control]
    this.#intake = this.#open()
    this.#control = this.#open()
    this.#controlReceiver = this.#receiver()
    this.#sender = this.#control.createSender(this.queue)
    for (const client of old) void closeClient(client)
  }

  async close(): Promise<void> {
    await Promise.all([closeClient(this.#intake), closeClient(this.#control)])
  }

  #receiver(): ServiceBusReceiver {
    return this.#control.createReceiver(this.queue, asSent)
  }
}

/** A receiver's options: locks are renewed by whoever holds them, bodies stay bytes and times stay times, for the copy's sake. */
export const asSent = {
  maxAutoLockRenewalDurationInMs: 0,
  skipParsingBodyAsJson: true,
  skipConvertingDate: true,
} as const

/** Opens a client for a command: the same options as the worker's. */
export function openQueueClient(
  configuration: QueueConfiguration,
  credential: () => TokenCredential,
): ServiceBusClient {
  return configuration.connectionString
    ? new ServiceBusClient(configuration.connectionString, clientOptions)
    : new ServiceBusClient(configuration.namespace ?? '', credential(), clientOptions)
}

/** Closes a client within seconds, or gives it up. */
export async function closeClient(client: ServiceBusClient): Promise<void> {
  const timeout = new Promise<void>((resolve) => setTimeout(resolve, closeTimeoutMs).unref())
  await Promise.race([client.close().catch(() => undefined), timeout])
}
