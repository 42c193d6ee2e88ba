import type { Clock } from '../../shared/clock.ts'
import type { Log } from '../../shared/log.ts'
import type { QueueConnection } from './queue-connection.ts'
import { codeOf } from './settlement.ts'

/** A receiver that said nothing for this long is questioned, as often as this. */
const silentForMs = 1_500
const checkEveryMs = 1_000
/** While nothing is expected (every slot is busy, or nothing is taken) the queue is asked this rarely: only for the truth of `healthy`. */
const askWhenBusyMs = 5_000
/**
 * How long the queue may take to answer: a connection that answered before, and one that is still being opened (a token, TLS
 * and four links on a loaded machine). Doubled while nothing answers, so that a dead broker costs no heap of dead clients.
 */
const answerWithinMs = { known: 1_500, opening: 5_000, most: 30_000 }
/** Looks at this many messages from the front: more than a fleet usually has locked. */
const peekCount = 64
/** A queue whose only messages are locked by other replicas looks like a stall: each rebuild for it doubles the wait. */
const firstPatienceMs = 1_000
const maxPatienceMs = 5 * 60_000

/**
 * Watches a receiver that says nothing. The SDK's receivers are known to fall silent (lost credit, a half-open connection, a
 * link that does not come back), and nothing reports it; so while slots are free and no message comes, the queue is peeked
 * over the other connection; now and then also while nothing is expected. No answer: both connections are replaced. A waiting message that the receiver does not get:
 * the receiver is.
 */
export class SilenceWatch {
  readonly #parts: SilenceWatchParts
  #timer: NodeJS.Timeout | undefined
  #checking = false
  #answered = false
  #answeredAt = 0
  #unanswered = 0
  #patienceMs = firstPatienceMs
  #waitingSince: { sequence: string; at: number } | undefined
  /** The queue answered lately, or a message came. */
  healthy = false

  constructor(parts: SilenceWatchParts) {
    this.#parts = parts
  }

  start(): void {
    void this.#check()
    this.#timer = setInterval(() => void this.#check(), checkEveryMs)
    this.#timer.unref()
  }

  stop(): void {
    clearInterval(this.#timer)
    this.#timer = undefined
  }

  delivered(): void {
    this.healthy = true
    this.#patienceMs = firstPatienceMs
    this.#waitingSince = undefined
  }

  /** Something else saw trouble with a connection: look now. */
  suspect(): void {
    if (this.#timer) void this.#check(true)
  }

  async #check(suspicious = false): Promise<void> {
    const { connection, clock, log, isWaiting, lastDeliveryAt, inFlight, rebuild } = this.#parts
    const silentMs = clock.now() - (isWaiting() ? lastDeliveryAt() : Math.max(lastDeliveryAt(), this.#answeredAt))
    const enough = isWaiting() ? silentForMs : askWhenBusyMs
    if (this.#checking || (!suspicious && this.healthy && silentMs < enough)) return
    this.#checking = true
    const urgent = suspicious || isWaiting()
    const firstPatience = this.#answered && urgent ? answerWithinMs.known : answerWithinMs.opening
    const patience = AbortSignal.timeout(Math.min(firstPatience * 2 ** this.#unanswered, answerWithinMs.most))
    try {
      const first = await connection.peekFirst(peekCount, patience)
      if (!this.#timer) return
      this.#answered = true
      this.#answeredAt = clock.now()
      this.#unanswered = 0
      this.healthy = true
      const known = inFlight()
      const waiting = first.find(
        (message) => message.state === 'active' && !known.has(message.sequenceNumber?.toString() ?? ''),
      )
      if (!waiting || !isWaiting()) {
        this.#waitingSince = undefined
        return
      }
      const sequence = waiting.sequenceNumber?.toString() ?? ''
      if (this.#waitingSince?.sequence !== sequence) this.#waitingSince = { sequence, at: clock.now() }
      const quietMs = Math.min(clock.now() - this.#waitingSince.at, clock.now() - lastDeliveryAt())
      if (quietMs < this.#patienceMs) return
      log.warn({ quietMs }, 'messages wait but the receiver gets none; it is replaced')
      this.#patienceMs = Math.min(this.#patienceMs * 2, maxPatienceMs)
      this.#waitingSince = undefined
      rebuild('receiver')
    } catch (error) {
      if (!this.#timer) return
      // Refused or cut off is an answer: the SDK opens such a connection anew by itself.
      if (!patience.aborted) {
        if (this.healthy)
          log.warn({ code: codeOf(error) }, 'the queue cannot be reached; the connections are tried again')
        this.healthy = false
        return
      }
      this.healthy = false
      log.warn({ code: codeOf(error) }, 'the queue does not answer; the connections are replaced')
      this.#answered = false
      this.#unanswered++
      rebuild('connections')
    } finally {
      this.#checking = false
    }
  }
}

export interface SilenceWatchParts {
  connection: QueueConnection
  clock: Clock
  log: Log
  /** Whether a slot is free and messages are being taken. */
  isWaiting(): boolean
  /** Milliseconds since the epoch. */
  lastDeliveryAt(): number
  /** Sequence numbers of the messages in this process. */
  inFlight(): ReadonlySet<string>
  rebuild(what: 'receiver' | 'connections'): void
}
