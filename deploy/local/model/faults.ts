import { textOf } from './chat-request.ts'
import type { Fault, FaultMatch } from './fault.ts'
import type { ModelRequest } from './journal.ts'

/** Requests that are read and announced, and get no answer until they are let go. */
export interface HoldHandle {
  /** Requests that wait now. */
  readonly waiting: number
  /** Lets the `count` that came first go on; without a count all of them, and holds nothing any more. */
  release(count?: number): void
}

export interface ModelFaults {
  /** The next `times` requests that match get this fault. Faults apply in the order in which they were planned. */
  next(fault: Fault, times?: number, match?: FaultMatch): void
  /** Every request that matches, until `clear`; planned `next` faults come first. */
  always(fault: Fault, match?: FaultMatch): void
  /** Ends all faults, the outage, the delay and the holds. */
  clear(): void
  /** While on, connections end at once; those that stand are cut when it begins, requests in flight included. */
  outage(on: boolean): void
  /** Every answer, errors too, comes this much later; 0 ends it. */
  delay(ms: number): void
  /** Holds the answers of matching requests back: for killing a worker at a known place. */
  hold(match?: FaultMatch): HoldHandle
  /** Models (or deployments) that do not exist. */
  readonly unknownModel: Set<string>
}

/** The server's side of the faults. */
export interface FaultPlan {
  controls: ModelFaults
  isOut(): boolean
  delayMs(): number
  /** Whether this connection is refused before its request is read. */
  takeRefusal(): Fault | undefined
  take(request: ModelRequest): Fault | undefined
  /** Resolves when no hold keeps the request back. */
  released(request: ModelRequest): Promise<void>
}

interface Planned {
  fault: Fault
  left: number
  match: FaultMatch | undefined
}

interface Hold {
  match: FaultMatch | undefined
  waiting: (() => void)[]
}

/** @param cutConnections ends every connection that stands: the beginning of an outage. */
export function createFaultPlan(cutConnections: () => void): FaultPlan {
  const planned: Planned[] = []
  const standing: Planned[] = []
  const holds = new Set<Hold>()
  let out = false
  let delayMs = 0

  const takeWhere = (fits: (entry: Planned) => boolean): Fault | undefined => {
    const index = planned.findIndex(fits)
    const entry = planned[index]
    if (!entry) return standing.find(fits)?.fault
    entry.left -= 1
    if (entry.left <= 0) planned.splice(index, 1)
    return entry.fault
  }
  const end = (hold: Hold) => {
    holds.delete(hold)
    for (const go of hold.waiting.splice(0)) go()
  }

  const controls: ModelFaults = {
    unknownModel: new Set(),
    next: (fault, times = 1, match) => {
      if (times > 0) planned.push({ fault, left: times, match })
    },
    always: (fault, match) => {
      standing.push({ fault, left: Number.POSITIVE_INFINITY, match })
    },
    clear: () => {
      planned.length = 0
      standing.length = 0
      out = false
      delayMs = 0
      for (const hold of [...holds]) end(hold)
    },
    outage: (on) => {
      out = on
      if (on) cutConnections()
    },
    delay: (ms) => {
      delayMs = ms
    },
    hold: (match) => {
      const hold: Hold = { match, waiting: [] }
      holds.add(hold)
      return {
        get waiting() {
          return hold.waiting.length
        },
        release: (count) => {
          if (count === undefined) end(hold)
          else for (const go of hold.waiting.splice(0, count)) go()
        },
      }
    },
  }

  return {
    controls,
    isOut: () => out,
    delayMs: () => delayMs,
    // Before the body is read nothing is known to match against, so a fault with a match waits for `take`.
    takeRefusal: () => takeWhere(({ fault, match }) => fault.kind === 'refuseConnection' && match === undefined),
    take: (request) => takeWhere(({ match }) => fits(match, request)),
    async released(request) {
      for (const hold of [...holds]) {
        if (holds.has(hold) && fits(hold.match, request))
          await new Promise<void>((resolve) => hold.waiting.push(resolve))
      }
    },
  }
}

function fits(match: FaultMatch | undefined, request: ModelRequest): boolean {
  if (match === undefined) return true
  if (typeof match === 'function') return match(request)
  const { text, turn } = typeof match === 'string' ? { text: match } : match
  if (text !== undefined && !request.messages.some((message) => textOf(message).includes(text))) return false
  if (turn === undefined) return true
  const isFollowUp = request.messages.some((message) => message.role === 'assistant')
  return isFollowUp === (turn === 'follow-up')
}
