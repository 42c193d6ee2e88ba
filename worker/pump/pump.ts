import type { ServiceBusReceivedMessage, ServiceBusReceiver } from '@azure/service-bus'
import type { Clock } from '../../shared/clock.ts'
import { Failure } from '../../shared/failure.ts'
import type { Log } from '../../shared/log.ts'
import type { Enrichment, Hold } from '../enrich-incident.ts'
import type { Circuits } from '../recovery/circuits.ts'
import { noTelemetry, type Telemetry } from '../telemetry/telemetry.ts'
import { attributeNames, spanNames } from '../telemetry/telemetry-names.ts'
import { recordSettled, traceMessage, tracePropertiesOf } from '../telemetry/trace-message.ts'
import { deadLetter } from './dead-letter.ts'
import { type Delivery, readDelivery } from './delivery.ts'
import { Intake } from './intake.ts'
import { Lease } from './lease.ts'
import { logOutcome } from './log-outcome.ts'
import type { QueueConnection } from './queue-connection.ts'
import { rescheduleDelivery } from './reschedule.ts'
import { codeOf, type Settlement, settleDelivery } from './settlement.ts'
import { SilenceWatch } from './silence-watch.ts'
import { defaultSlotBoundMs, runWithinBound } from './slot-bound.ts'

/**
 * Where the pump is. `paused`: a circuit is open, nothing is taken; `probing`: one message at a time, to see whether the
 * outage is over. From `draining` there is no way back.
 */
export type PumpState = 'idle' | 'taking' | 'probing' | 'paused' | 'draining' | 'stopped'

export interface PumpCounters {
  enriched: number
  skipped: number
  deferred: number
  released: number
  'dead-lettered': number
  leasesRenewed: number
  leasesLost: number
}

interface Slot {
  delivery: Delivery
  sinceMs: number
  lease: Lease
  /** Resolves when the message is settled and the slot is free. */
  done: Promise<void>
}

/** Of the shutdown's grace, the share that handing back takes. */
const handBackMs = 2_000

/** Takes messages into slots, keeps their leases, settles them by the outcome, and stops without losing any. */
export class Pump {
  readonly #parts: PumpParts
  readonly #intake: Intake
  readonly #watch: SilenceWatch
  readonly #slots = new Set<Slot>()
  readonly #stopRuns = new AbortController()
  readonly #telemetry: Telemetry
  #state: PumpState = 'idle'
  #whenEmpty: (() => void) | undefined
  readonly counters: PumpCounters = {
    enriched: 0,
    skipped: 0,
    deferred: 0,
    released: 0,
    'dead-lettered': 0,
    leasesRenewed: 0,
    leasesLost: 0,
  }

  constructor(parts: PumpParts) {
    this.#parts = parts
    this.#telemetry = parts.telemetry ?? noTelemetry
    this.#intake = new Intake({
      client: () => parts.connection.intake,
      queue: parts.connection.queue,
      handle: (message, receiver) => this.#handle(message, receiver),
      log: parts.log,
      onTrouble: () => this.#watch.suspect(),
    })
    this.#watch = new SilenceWatch({
      connection: parts.connection,
      clock: parts.clock,
      log: parts.log,
      isWaiting: () => this.#intake.taking > this.#slots.size,
      lastDeliveryAt: () => this.#intake.lastDeliveryAt,
      inFlight: () => new Set([...this.#slots].map((slot) => slot.delivery.sequence)),
      rebuild: (what) => this.#rebuild(what),
    })
  }

  get state(): PumpState {
    return this.#state
  }

  get inFlight(): number {
    return this.#slots.size
  }

  /** Takes messages, no dependency is known or suspected to be away, and the queue answers. */
  get ready(): boolean {
    return this.#state === 'taking' && this.#watch.healthy
  }

  /** Age of the oldest run, in milliseconds. */
  get oldestRunMs(): number {
    const [oldest] = this.#slots
    return oldest ? this.#parts.clock.now() - oldest.sinceMs : 0
  }

  start(): void {
    if (this.#state !== 'idle') return
    this.#parts.circuits.on('changed', () => this.#follow())
    this.#watch.start()
    this.#follow()
  }

  /**
   * Stops taking, waits for the messages in flight, and hands back what is not done when the grace ends.
   * @returns how many were handed back
   */
  async drain(graceMs: number): Promise<number> {
    if (this.#state === 'draining' || this.#state === 'stopped') return 0
    this.#to('draining')
    this.#watch.stop()
    this.#intake.pause()
    await this.#empty(Math.max(0, graceMs - handBackMs))
    const left = this.#slots.size
    if (left > 0) {
      this.#stopRuns.abort(
        new Failure('The worker is shutting down; the message goes back to the queue.', {
          kind: 'interrupted',
          dependency: 'worker',
          code: 'ShuttingDown',
        }),
      )
      await this.#empty(handBackMs)
    }
    this.#to('stopped')
    return left
  }

  /** Follows the circuits: all slots, one, or none. */
  #follow(): void {
    if (this.#state === 'draining' || this.#state === 'stopped') return
    const { intake } = this.#parts.circuits
    const [state, slots] = { all: ['taking', this.#parts.concurrency], one: ['probing', 1], none: ['paused', 0] }[
      intake
    ] as [PumpState, number]
    if (state === this.#state) return
    this.#to(state)
    if (slots === 0) this.#intake.pause()
    else this.#intake.open(slots)
  }

  #rebuild(what: 'receiver' | 'connections'): void {
    if (what === 'connections') this.#parts.connection.rebuild()
    if (this.#intake.taking > 0) this.#intake.open(this.#intake.taking)
  }

  #to(state: PumpState): void {
    this.#parts.log.debug({ from: this.#state, to: state, inFlight: this.#slots.size }, 'the pump changes its state')
    this.#state = state
  }

  async #empty(withinMs: number): Promise<void> {
    if (this.#slots.size === 0) return
    const empty = new Promise<void>((resolve) => {
      this.#whenEmpty = resolve
    })
    const patience = new AbortController()
    await Promise.race([empty, this.#parts.clock.sleep(withinMs, patience.signal).catch(() => undefined)])
    patience.abort()
  }

  async #handle(message: ServiceBusReceivedMessage, receiver: ServiceBusReceiver): Promise<void> {
    const { clock, connection, log } = this.#parts
    const delivery = readDelivery(message, receiver, clock.now())
    const goesOn = await this.#endEarlierRun(delivery)
    if (!goesOn || this.#state === 'draining' || this.#state === 'stopped') {
      // Delivered a second time under a lock that has ended by now, or on its way when the intake closed.
      await settleDelivery(delivery, { settle: 'abandon' }, connection.control)
      return
    }
    this.#watch.delivered()
    const lease = new Lease(message, (one) => connection.control.renewMessageLock(one), clock, {
      renewed: () => this.counters.leasesRenewed++,
      lost: (code) => {
        this.counters.leasesLost++
        log.warn({ event: 'lease.lost', messageId: delivery.messageId, code }, 'the lock of a message was lost')
      },
    })
    const { promise: done, resolve: free } = Promise.withResolvers<void>()
    const slot: Slot = { delivery, sinceMs: clock.now(), lease, done }
    this.#slots.add(slot)
    try {
      await traceMessage(this.#telemetry, connection.queue, delivery, async (done) => {
        const enrichment = await this.#run(delivery, lease)
        done(enrichment)
        await this.#settle(delivery, lease, enrichment)
      })
    } catch (error) {
      log.error(
        { err: error, messageId: delivery.messageId },
        'a message could not be settled; its lock ends by itself',
      )
    } finally {
      lease.stop()
      this.#slots.delete(slot)
      free()
      if (this.#slots.size === 0) this.#whenEmpty?.()
    }
  }

  /**
   * A message that comes again while its run goes on would have two writers. Under a new lock the old one is lost: that run
   * ends at its next step, then this one begins. Under the same lock it is the same delivery once more.
   *
   * @returns false when the earlier run was this delivery's own: there is nothing left to do
   */
  async #endEarlierRun(delivery: Delivery): Promise<boolean> {
    for (;;) {
      const earlier = [...this.#slots].find((slot) => slot.delivery.sequence === delivery.sequence)
      if (!earlier) return true
      const repeated = earlier.delivery.message.lockToken === delivery.message.lockToken
      if (!repeated) earlier.lease.lose('Redelivered')
      await earlier.done
      if (repeated) return false
    }
  }

  /** Runs the data path, but no longer than a slot may be held. */
  #run(delivery: Delivery, lease: Lease): Promise<Enrichment> {
    const { clock, enrich, recover, slotBoundMs = defaultSlotBoundMs } = this.#parts
    return runWithinBound({
      work: (signal) => enrich(delivery, { signal, assertHeld: () => lease.assertHeld() }),
      giveUp: (reason) => recover(reason, delivery),
      ends: [lease.lost, this.#stopRuns.signal],
      boundMs: slotBoundMs,
      clock,
    })
  }

  async #settle(delivery: Delivery, lease: Lease, enrichment: Enrichment): Promise<void> {
    const { clock, connection, log } = this.#parts
    const { result } = enrichment
    let settlement: Settlement = { settle: 'complete' }
    if (result.outcome === 'deferred') {
      try {
        const trace = tracePropertiesOf(this.#telemetry)
        await rescheduleDelivery(delivery, result.delayMs, result.attempt, connection.sender, clock.now(), trace)
      } catch (error) {
        // Abandoned it would come back at once, again and again; the end of its lock is a delay of its own.
        log.warn(
          { code: codeOf(error), messageId: delivery.messageId },
          'a delayed copy could not be sent; the lock ends by itself',
        )
        this.#watch.suspect()
        return
      }
    } else if (result.outcome === 'released') {
      settlement = { settle: 'abandon' }
    } else if (result.outcome === 'dead-lettered') {
      settlement = deadLetter(result.reason, result.failure, clock.now())
    }
    lease.stop()
    // The line comes after the settlement: who reads it may look at the queue.
    const handedOver = result.outcome === 'released' && lease.lost.aborted
    const settled = handedOver
      ? undefined
      : await this.#telemetry.span(
          spanNames.settle(connection.queue),
          { [attributeNames.messagingDisposition]: settlement.settle },
          () => settleDelivery(delivery, settlement, connection.control),
          { kind: 'client' },
        )
    this.counters[result.outcome]++
    recordSettled(this.#telemetry, delivery, enrichment, clock.now())
    logOutcome(log, delivery, enrichment, clock.now())
    if (!settled || settled.settled) return
    log.warn(
      { code: settled.code, messageId: delivery.messageId, settle: settlement.settle },
      'the broker did not confirm a settlement',
    )
    if (settled.code !== 'MessageLockLost') this.#watch.suspect()
  }
}

export interface PumpParts {
  connection: QueueConnection
  /** Never throws. */
  enrich(delivery: Delivery, hold: Hold): Promise<Enrichment>
  /** What to do with a message whose run does not end. */
  recover(failure: Failure, delivery: Delivery): Enrichment
  circuits: Circuits
  concurrency: number
  /** How long one run may hold its slot, in milliseconds. */
  slotBoundMs?: number
  clock: Clock
  log: Log
  /** Default: nobody listens. */
  telemetry?: Telemetry
}
