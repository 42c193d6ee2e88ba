import type { ServiceBusClient, ServiceBusReceivedMessage, ServiceBusReceiver } from '@azure/service-bus'
import type { Log } from '../../shared/log.ts'
import { asSent } from './queue-connection.ts'
import { codeOf } from './settlement.ts'

export type ReceiveHandler = (message: ServiceBusReceivedMessage, receiver: ServiceBusReceiver) => Promise<void>

/**
 * One receiver with its link, from its opening until its last message is settled. A generation is never reused: whatever
 * goes wrong with a receiver (a stall, a dead connection), the cure is the next generation.
 */
interface Generation {
  receiver: ServiceBusReceiver
  subscription: { close(): Promise<void> }
  inFlight: number
  /** Deliveries so far, and the count at which each unsettled one arrived. */
  delivered: number
  unsettled: Map<ServiceBusReceivedMessage, number>
  retired: boolean
}

/**
 * The SDK's session window holds 2,048 deliveries and frees them in order: one unsettled message stops everything 2,047
 * deliveries later. A generation whose oldest message is this far behind is replaced before that.
 */
const rotateAfterDeliveries = 1_500
/** The same trouble with the link is told again after this long. */
const sayAgainMs = 30_000

/**
 * Takes messages: `open(n)` subscribes with n at once, `pause()` stops taking while those in flight go on. The SDK's lock
 * renewal and auto-completion are off: the worker owns both.
 */
export class Intake {
  readonly #client: () => ServiceBusClient
  readonly #queue: string
  readonly #handle: ReceiveHandler
  readonly #log: Log
  readonly #onTrouble: (code: string) => void
  #current: Generation | undefined
  readonly #retired = new Set<Generation>()
  #concurrency = 0
  #lastTrouble = { code: '', at: 0 }
  /** Milliseconds since the epoch. */
  lastDeliveryAt = 0

  constructor(parts: {
    client: () => ServiceBusClient
    queue: string
    handle: ReceiveHandler
    log: Log
    /** Told about errors of the link, which the SDK repairs by itself in most cases. */
    onTrouble: (code: string) => void
  }) {
    this.#client = parts.client
    this.#queue = parts.queue
    this.#handle = parts.handle
    this.#log = parts.log
    this.#onTrouble = parts.onTrouble
  }

  get taking(): number {
    return this.#current ? this.#concurrency : 0
  }

  /** Starts taking up to `concurrency` messages at once, in a new generation. */
  open(concurrency: number): void {
    this.pause()
    this.#concurrency = concurrency
    const receiver = this.#client().createReceiver(this.#queue, { receiveMode: 'peekLock', ...asSent })
    const generation: Generation = {
      receiver,
      subscription: { close: async () => undefined },
      inFlight: 0,
      delivered: 0,
      unsettled: new Map(),
      retired: false,
    }
    this.#current = generation
    generation.subscription = receiver.subscribe(
      {
        processMessage: (message) => this.#deliver(generation, message),
        processError: async ({ error, errorSource }) => {
          if (generation.retired) return
          const code = codeOf(error)
          // The SDK tries again several times a second for as long as a broker is away.
          if (code !== this.#lastTrouble.code || Date.now() - this.#lastTrouble.at > sayAgainMs) {
            this.#lastTrouble = { code, at: Date.now() }
            this.#log.warn({ code, source: errorSource }, 'the receiver met an error; it reconnects by itself')
          }
          this.#onTrouble(code)
        },
      },
      { autoCompleteMessages: false, maxConcurrentCalls: concurrency },
    )
  }

  /** Stops taking; messages in flight keep their link until they are settled. */
  pause(): void {
    const generation = this.#current
    if (!generation) return
    this.#current = undefined
    generation.retired = true
    this.#retired.add(generation)
    generation.subscription.close().catch(() => undefined)
    if (generation.inFlight === 0) this.#closeReceiver(generation)
  }

  async #deliver(generation: Generation, message: ServiceBusReceivedMessage): Promise<void> {
    this.lastDeliveryAt = Date.now()
    generation.inFlight++
    generation.unsettled.set(message, generation.delivered++)
    const [oldest = generation.delivered] = generation.unsettled.values()
    if (!generation.retired && generation.delivered - oldest > rotateAfterDeliveries) {
      this.#log.info({ behind: generation.delivered - oldest }, 'a message takes so long that the receiver is replaced')
      this.open(this.#concurrency)
    }
    try {
      await this.#handle(message, generation.receiver)
    } catch (error) {
      // A throwing handler is abandoned at once by the SDK and comes back at once: a hot loop.
      this.#log.error({ err: error }, 'a message handler threw, which it never may')
    } finally {
      generation.inFlight--
      generation.unsettled.delete(message)
      if (generation.retired && generation.inFlight === 0) this.#closeReceiver(generation)
    }
  }

  #closeReceiver(generation: Generation): void {
    this.#retired.delete(generation)
    // close() can hang on a half-open connection; nobody waits for it.
    generation.receiver.close().catch(() => undefined)
  }
}
