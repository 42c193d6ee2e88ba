import type { Socket } from 'node:net'
import type { Sender } from 'rhea'
import type { FaultState } from './fault-state.ts'
import type { Queue } from './queue.ts'
import type { Silence } from './silence.ts'

/** Named fault switches: what goes wrong with a real broker, on demand. */
export interface BrokerFaults {
  /** Every connection is reset. Messages that they held stay locked until their lock ends. */
  killConnections(): void
  /** New connections are reset at once, for this long; 0 ends it. */
  refuseConnections(ms: number): void
  /**
   * Sockets stay open, but nothing is read or answered in either direction; new connections too. When it is switched off,
   * what was held back passes, as after a network partition; `killConnections` first makes it a peer that vanished.
   */
  halfOpen(on: boolean): void
  /** The broker detaches the link of every receiver. */
  detachReceivers(condition?: string): void
  /** The receivers that are attached now get nothing more, whatever credit they grant; nobody is told. */
  loseCredit(): void
  /**
   * Settlements by link take this much longer; 0 is off. Delayed is the whole 'effect' (the default: the settlement is late
   * on its way, and lost if its connection ends before it arrives) or only the 'answer' (it is carried out at once, but the
   * client does not know).
   */
  delayDispositions(ms: number, delayed?: 'effect' | 'answer'): void
  /** The next renewals are refused, with 503 `com.microsoft:server-busy` unless another condition is given. */
  failRenewals(count: number, condition?: string): void
  /**
   * Ends a message's lock now, by sequence number or message id, in the queue of that name or in any that has it.
   * @returns false when it has none
   */
  expireLock(which: number | string, queueName?: string): boolean
  /** The next messages of each queue are delivered to a second credit while they are locked, with the same lock. */
  deliverTwice(count?: number): void
  /** Sends, management and administration answer `com.microsoft:server-busy`, for this long; 0 ends it. */
  serverBusy(ms: number): void
  /** The next token requests on `$cbs` are refused with 401. */
  failCbs(count: number): void
  /** All switches off. */
  clear(): void
}

export interface FaultyParts {
  state: FaultState
  silence: Silence
  sockets: ReadonlySet<Socket>
  queues(): Iterable<Queue>
  detachReceivers(condition: string): void
  receivers(): Iterable<Sender>
}

export function createFaults({
  state,
  silence,
  sockets,
  queues,
  detachReceivers,
  receivers,
}: FaultyParts): BrokerFaults {
  const faults: BrokerFaults = {
    killConnections: () => {
      for (const socket of sockets) socket.resetAndDestroy()
    },
    refuseConnections: (ms) => {
      state.refuseUntilMs = Date.now() + ms
    },
    halfOpen: (on) => {
      if (on) silence.start(sockets)
      else silence.end()
    },
    detachReceivers: (condition = 'amqp:link:detach-forced') => detachReceivers(condition),
    loseCredit: () => {
      for (const receiver of receivers()) state.starved.add(receiver)
    },
    delayDispositions: (delayMs, delayed = 'effect') => {
      state.dispositions = { delayMs, delayed }
    },
    failRenewals: (count, condition = 'com.microsoft:server-busy') => {
      state.failingRenewals = count
      state.renewalCondition = condition
    },
    expireLock: (which, queueName) => {
      const named = [...queues()].filter((queue) => queueName === undefined || queue.path === queueName)
      for (const queue of named) if (queue.expireLock(which) || queue.deadLetters?.expireLock(which)) return true
      return false
    },
    deliverTwice: (count = 1) => {
      for (const queue of queues()) queue.deliverTwice(count)
    },
    serverBusy: (ms) => {
      state.busyUntilMs = Date.now() + ms
    },
    failCbs: (count) => {
      state.failingTokens = count
    },
    clear: () => {
      state.clear()
      silence.end()
      faults.deliverTwice(0)
    },
  }
  return faults
}
