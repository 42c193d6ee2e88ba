import { ArmError, authorizationFailed } from './arm-error.ts'
import type { ArmPath } from './arm-path.ts'
import type { Caller } from './caller.ts'

/** All members must fit; a member left out fits everything. `workspace` is a name, `incident` a GUID or an ARM id. */
export interface FaultMatch {
  method?: string
  /** Tested against the path, without the query. */
  path?: RegExp
  workspace?: string
  incident?: string
}

export interface FailOptions {
  status: number
  /** Default: what ARM says with that status. */
  code?: string
  message?: string
  retryAfterSeconds?: number
  /** How many requests fail; default all, until cleared. */
  times?: number
  /** How long the fault stands, in milliseconds; default until cleared. */
  forMs?: number
  match?: FaultMatch
}

export interface FaultHandle {
  clear(): void
}

/** An incident PUT that is about to be judged. */
export interface PendingWrite {
  incident: string
  armId: string
  body: unknown
}
export type BeforeWrite = (write: PendingWrite) => void | Promise<void>

export interface SentinelFaults {
  /** Matching requests are refused before they are judged. */
  fail(options: FailOptions): FaultHandle
  /** Open connections are destroyed, and new ones before they can speak. */
  outage(on: boolean): void
  /** The answer is handed over this much later; what it answers has happened by then. */
  delay(ms: number, match?: FaultMatch): FaultHandle
  /** 403 AuthorizationFailed for everything in the workspace. */
  forbidWorkspace(name: string, on: boolean): void
  /** Called before an incident PUT is judged: a test can play an analyst who edits between a client's read and its write. */
  onBeforeWrite(hook: BeforeWrite | null): void
  /** The write (PUT, DELETE) is applied, then the connection is destroyed before the answer. */
  dropAnswer(options: { times: number; match?: FaultMatch }): FaultHandle
  clear(): void
}

/** A request as the faults see it. */
export interface FaultTarget {
  method: string
  pathname: string
  path: ArmPath | undefined
}

interface StandingFault {
  matches(target: FaultTarget): boolean
  left: number
  expiresAt: number
}

/** The server's side of the faults. */
export class FaultBoard {
  readonly #failures = new Set<StandingFault & { options: FailOptions }>()
  readonly #delays = new Set<StandingFault & { ms: number }>()
  readonly #drops = new Set<StandingFault>()
  readonly #forbidden = new Set<string>()
  readonly #setOutage: (on: boolean) => void
  beforeWrite: BeforeWrite | null = null

  constructor(setOutage: (on: boolean) => void) {
    this.#setOutage = setOutage
  }

  /** @throws ArmError when a fault refuses the request. */
  refuse(target: FaultTarget, caller: Caller): void {
    const failure = take(this.#failures, target)
    if (failure) throw refusal(failure.options, target, caller)
  }

  /** @throws ArmError 403 when the caller, known by now, has no role in the workspace. */
  forbid(target: FaultTarget, caller: Caller): void {
    if (target.path && this.#forbidden.has(target.path.workspace.toLowerCase())) {
      throw authorizationFailed(target.method, target.path, target.pathname, caller)
    }
  }

  delayMs(target: FaultTarget): number {
    return [...this.#delays].filter((fault) => fault.matches(target)).reduce((sum, fault) => sum + fault.ms, 0)
  }

  dropsAnswer(target: FaultTarget): boolean {
    return (target.method === 'PUT' || target.method === 'DELETE') && take(this.#drops, target) !== undefined
  }

  /** The tests' side. */
  controls(): SentinelFaults {
    return {
      fail: (options) => put(this.#failures, { ...standing(options), options }),
      delay: (ms, match) => put(this.#delays, { ...standing({ match }), ms }),
      dropAnswer: (options) => put(this.#drops, standing(options)),
      outage: this.#setOutage,
      forbidWorkspace: (name, on) => {
        if (on) this.#forbidden.add(name.toLowerCase())
        else this.#forbidden.delete(name.toLowerCase())
      },
      onBeforeWrite: (hook) => {
        this.beforeWrite = hook
      },
      clear: () => {
        for (const faults of [this.#failures, this.#delays, this.#drops, this.#forbidden]) faults.clear()
        this.beforeWrite = null
        this.#setOutage(false)
      },
    }
  }
}

function standing(options: { match?: FaultMatch | undefined; times?: number; forMs?: number }): StandingFault {
  const { match = {}, times = Number.POSITIVE_INFINITY, forMs = Number.POSITIVE_INFINITY } = options
  const incident = match.incident?.toLowerCase().split('/').at(-1)
  return {
    left: times,
    expiresAt: performance.now() + forMs,
    matches: ({ method, pathname, path }) =>
      (match.method === undefined || match.method.toUpperCase() === method) &&
      // A global or sticky expression remembers where it stopped; search() does not.
      (match.path === undefined || pathname.search(match.path) >= 0) &&
      (match.workspace === undefined || match.workspace.toLowerCase() === path?.workspace.toLowerCase()) &&
      (incident === undefined || incident === path?.incident?.toLowerCase()),
  }
}

function put<Fault>(faults: Set<Fault>, fault: Fault): FaultHandle {
  faults.add(fault)
  return { clear: () => void faults.delete(fault) }
}

/** The first fault that fits, used up once. */
function take<Fault extends StandingFault>(faults: Set<Fault>, target: FaultTarget): Fault | undefined {
  for (const fault of faults) {
    if (performance.now() >= fault.expiresAt || fault.left <= 0) faults.delete(fault)
    else if (fault.matches(target)) {
      fault.left -= 1
      return fault
    }
  }
  return undefined
}

const usual: Record<number, [code: string, message: string]> = {
  401: ['ExpiredAuthenticationToken', 'The access token expiry UTC time is earlier than current UTC time.'],
  404: ['NotFound', 'The resource was not found.'],
  408: ['RequestTimeout', 'The request timed out.'],
  409: ['Conflict', 'Newer version of resource exists. Data was not saved'],
  429: ['TooManyRequests', 'The request is being throttled as the limit has been reached for the operation.'],
  500: ['InternalServerError', 'Encountered internal server error. Try again later.'],
  502: ['BadGateway', 'The gateway did not receive a response from the resource provider within the specified time.'],
  503: ['ServiceUnavailable', 'The service is unavailable. Try again later.'],
  504: [
    'GatewayTimeout',
    'The gateway did not receive a response from the resource provider within the specified time.',
  ],
}

function refusal(options: FailOptions, target: FaultTarget, caller: Caller): ArmError {
  const headers: Record<string, string> =
    options.retryAfterSeconds === undefined ? {} : { 'Retry-After': String(options.retryAfterSeconds) }
  if (options.status === 401) headers['WWW-Authenticate'] = 'Bearer error="invalid_token"'
  if (options.status === 403 && !options.code && target.path) {
    return authorizationFailed(target.method, target.path, target.pathname, caller)
  }
  const [code, message] = usual[options.status] ?? ['BadRequest', 'The request was refused.']
  return new ArmError(options.status, options.code ?? code, options.message ?? message, headers)
}
