import type { TokenCredential } from '@azure/identity'
import type {
  ServiceBusClient,
  ServiceBusReceivedMessage,
  ServiceBusReceiver,
  ServiceBusSender,
} from '@azure/service-bus'
import type { QueueConfiguration } from '../configuration.ts'
import { asSent, closeClient, openQueueClient } from '../pump/queue-connection.ts'
import { peekDeadLetters } from './peek-dead-letters.ts'

/**
 * An operator's two connections to the queue and its dead letters. Dead letters are taken by one; everything else (looking,
 * sending, settling what has no link) goes by the other, which never saw those links.
 */
export class DeadLetterQueue {
  readonly queue: string
  readonly #taking: ServiceBusClient
  readonly #control: ServiceBusClient
  readonly control: ServiceBusReceiver
  readonly sender: ServiceBusSender

  constructor(configuration: QueueConfiguration, credential: () => TokenCredential) {
    this.queue = configuration.queue
    this.#taking = openQueueClient(configuration, credential)
    this.#control = openQueueClient(configuration, credential)
    this.control = this.#receiver(this.#control)
    this.sender = this.#control.createSender(this.queue)
  }

  /** Pages of dead letters without locking any, from a sequence number on. */
  pages(from?: string, abortSignal?: AbortSignal): AsyncGenerator<ServiceBusReceivedMessage[]> {
    return peekDeadLetters(this.control, from, abortSignal)
  }

  /** A receiver with a link of its own. */
  openReceiver(): ServiceBusReceiver {
    return this.#receiver(this.#taking)
  }

  async close(): Promise<void> {
    await Promise.all([closeClient(this.#taking), closeClient(this.#control)])
  }

  #receiver(client: ServiceBusClient): ServiceBusReceiver {
    return client.createReceiver(this.queue, { subQueueType: 'deadLetter', ...asSent })
  }
}
