import type { Socket } from 'node:net'
import type { Queue } from './queue.ts'

/** Named fault switches: what goes wrong with a real broker, on demand. */
export interface BrokerFaults {
  /** Every connection is reset. */
  killConnections(): void
  /** New connections are closed at once, for this long. */
  refuseConnections(ms: number): void
  /**
   * Connections stay open, but nothing is read or answered; new ones too, until it is switched off. Those that were open
   * meanwhile stay mute for good, as a peer that vanished does.
   */
  halfOpen(on: boolean): void
  /** The broker detaches every receiver's link. */
  detachReceivers(condition?: string): void
  /** Settlements by link are carried out and answered this much later; 0 is off. */
  delayDispositions(ms: number): void
  /** The next renewals are refused. */
  failRenewals(count: number, condition?: string): void
  /** Ends a message's lock now, by sequence number or message id. */
  expireLock(which: number | string): boolean
  /** The next messages are delivered a second time while they are locked. */
  deliverTwice(count?: number): void
  /** Sends and management operations answer `com.microsoft:server-busy`, for this long. */
  serverBusy(ms: number): void
  /** The next token requests on `$cbs` are refused. */
  failCbs(count: number): void
  /** All switches off. */
  clear(): void
}

/** The switches' state, which the broker's parts look at. */
export class FaultState {
  refuseUntil = 0
  busyUntil = 0
  mute = false
  dispositionDelayMs = 0
  failingRenewals = 0
  renewalCondition = 'com.microsoft:server-busy'
  failingCbs = 0

  get refusing(): boolean {
    return this.refuseUntil > Date.now()
  }

  get busy(): boolean {
    return this.busyUntil > Date.now()
  }

  takeRenewalFailure(): string | undefined {
    if (this.failingRenewals <= 0) return undefined
    this.failingRenewals--
    return this.renewalCondition
  }

  takeCbsFailure(): boolean {
    if (this.failingCbs <= 0) return false
    this.failingCbs--
    return true
  }
}

/** Makes a socket a dead peer's: it reads nothing and what is written to it goes nowhere. There is no way back. */
export function muteSocket(socket: Socket): void {
  socket.removeAllListeners('data')
  socket.pause()
  socket.write = (() => true) as Socket['write']
  // The library would otherwise notice its own silence and close the socket, which a vanished peer does not.
  socket.end = (() => socket) as Socket['end']
}

export function createFaults(
  state: FaultState,
  parts: { sockets: ReadonlySet<Socket>; queues: () => Iterable<Queue>; detachReceivers(condition: string): void },
): BrokerFaults {
  const faults: BrokerFaults = {
    killConnections: () => {
      for (const socket of parts.sockets) socket.resetAndDestroy()
    },
    refuseConnections: (ms) => {
      state.refuseUntil = Date.now() + ms
    },
    halfOpen: (on) => {
      state.mute = on
      if (on) for (const socket of parts.sockets) muteSocket(socket)
    },
    detachReceivers: (condition = 'amqp:link:detach-forced') => parts.detachReceivers(condition),
    delayDispositions: (ms) => {
      state.dispositionDelayMs = ms
    },
    failRenewals: (count, condition = 'com.microsoft:server-busy') => {
      state.failingRenewals = count
      state.renewalCondition = condition
    },
    expireLock: (which) => {
      for (const queue of parts.queues()) {
        if (queue.expireLock(which) || queue.deadLetters?.expireLock(which)) return true
      }
      return false
    },
    deliverTwice: (count = 1) => {
      for (const queue of parts.queues()) queue.deliverTwice = count
    },
    serverBusy: (ms) => {
      state.busyUntil = Date.now() + ms
    },
    failCbs: (count) => {
      state.failingCbs = count
    },
    clear: () => {
      state.refuseUntil = 0
      state.busyUntil = 0
      state.mute = false
      state.dispositionDelayMs = 0
      state.failingRenewals = 0
      state.failingCbs = 0
      for (const queue of parts.queues()) queue.deliverTwice = 0
    },
  }
  return faults
}
