import { EventEmitter } from 'node:events'
import { type Dependency, Failure } from '../../shared/failure.ts'

/** A subject whose failures are counted together: `model`, `state`, or `sentinel:<subscription>`. */
export type CircuitName = 'model' | 'state' | `sentinel:${string}`

export type CircuitState = 'closed' | 'open' | 'half-open'

interface Circuit {
  name: CircuitName
  state: CircuitState
  consecutiveFailures: number
  /** When the latest of the successful calls began, milliseconds since the epoch; 0 before the first. */
  lastSuccessAt: number
  lastUsedAt: number
  openedAt: number
  probeDelayMs: number
  probeTimer: NodeJS.Timeout | undefined
  lastCode: string
}

/** Failures in a row that open a circuit. One message tries three times, so one message alone opens none. */
const failuresToOpen = 5
/**
 * First and longest pause before an open circuit lets one message through; recovery is noticed within the longest, and the
 * promise is to work again within 5 s.
 */
const firstProbeDelayMs = 1_000
const maxProbeDelayMs = 2_500
/** A day's budget may be raised meanwhile. */
const longestRestMs = 15 * 60_000
/** A subscription that nobody asked for this long says nothing about the present. */
const rememberMs = 5 * 60_000

interface CircuitEvents {
  opened: [{ circuit: CircuitName; code: string }]
  closed: [{ circuit: CircuitName; openMs: number }]
  /** Any state changed: whoever takes messages looks at `intake` again. */
  changed: []
}

/**
 * Counts what the dependencies answer and says whether messages may be taken at all. An open circuit is an outage: the
 * worker takes no message while it lasts, and lets one through now and then to see whether it is over.
 */
export class Circuits extends EventEmitter<CircuitEvents> {
  readonly #circuits = new Map<CircuitName, Circuit>()
  readonly #now: () => number
  #restUntil = 0
  #restTimer: NodeJS.Timeout | undefined

  constructor(now: () => number = Date.now) {
    super()
    this.#now = now
  }

  /** @throws Failure `outage`, code `CircuitOpen`, when the circuit is open: nobody needs to hear the same refusal again. */
  assertNotOpen(name: CircuitName, dependency: Dependency): void {
    const circuit = this.#of(name)
    circuit.lastUsedAt = this.#now()
    if (circuit.state !== 'open') return
    throw new Failure(
      `The ${dependency} has been failing (${circuit.lastCode}); the worker waits until it answers again.`,
      {
        kind: 'outage',
        dependency,
        code: 'CircuitOpen',
      },
    )
  }

  /** @param startedAt when the call began: an answer that was under way when an outage began is no sign of life */
  success(name: CircuitName, startedAt = this.#now()): void {
    const circuit = this.#of(name)
    circuit.lastSuccessAt = Math.max(circuit.lastSuccessAt, startedAt)
    circuit.consecutiveFailures = 0
    circuit.probeDelayMs = firstProbeDelayMs
    if (circuit.state === 'closed') return
    circuit.state = 'closed'
    clearTimeout(circuit.probeTimer)
    this.emit('closed', { circuit: name, openMs: this.#now() - circuit.openedAt })
    this.emit('changed')
  }

  /** Counts an outage; any other failure is an answer, and changes nothing. */
  failure(name: CircuitName, failure: Failure): void {
    if (failure.kind !== 'outage' || failure.code === 'CircuitOpen') return
    const circuit = this.#of(name)
    circuit.lastCode = failure.code
    circuit.consecutiveFailures++
    if (circuit.state === 'closed') {
      if (circuit.consecutiveFailures < failuresToOpen && !failure.opensCircuit) return
      circuit.openedAt = this.#now()
      this.#open(circuit)
      this.emit('opened', { circuit: name, code: failure.code })
    } else if (circuit.state === 'half-open') {
      circuit.probeDelayMs = Math.min(maxProbeDelayMs, circuit.probeDelayMs * 2)
      this.#open(circuit)
    }
  }

  lastSuccessAt(name: CircuitName): number {
    return this.#of(name).lastSuccessAt
  }

  /**
   * How many messages may be taken: all, one as a probe, or none. One subscription's outage stops the intake only when no
   * other subscription was served lately: a partner's other customers go on.
   */
  get intake(): 'all' | 'one' | 'none' {
    if (this.#now() < this.#restUntil) return 'none'
    const all = [...this.#circuits.values()]
    const recent = all.filter((one) => one.name.startsWith('sentinel:') && one.lastUsedAt > this.#now() - rememberMs)
    const subscriptions = recent.some((one) => one.state === 'closed') ? [] : recent
    const deciding = [...all.filter((one) => !one.name.startsWith('sentinel:')), ...subscriptions]
    if (deciding.some((one) => one.state === 'open')) return 'none'
    return deciding.some((one) => one.state === 'half-open') ? 'one' : 'all'
  }

  /** A budget of the whole fleet is spent: nothing is taken for as long, or until it is worth another look. */
  rest(forMs: number): void {
    const until = this.#now() + Math.min(forMs, longestRestMs)
    if (until <= this.#restUntil) return
    this.#restUntil = until
    clearTimeout(this.#restTimer)
    // A little late rather than early: the timer must find the rest over.
    this.#restTimer = setTimeout(() => this.emit('changed'), until - this.#now() + 5)
    this.#restTimer.unref()
    this.emit('changed')
  }

  /** For `/status`. */
  report(): { circuit: CircuitName; state: CircuitState; failures: number; code: string }[] {
    return [...this.#circuits.values()].map((one) => ({
      circuit: one.name,
      state: one.state,
      failures: one.consecutiveFailures,
      code: one.state === 'closed' ? '' : one.lastCode,
    }))
  }

  close(): void {
    clearTimeout(this.#restTimer)
    for (const circuit of this.#circuits.values()) clearTimeout(circuit.probeTimer)
    this.removeAllListeners()
  }

  #open(circuit: Circuit): void {
    circuit.state = 'open'
    clearTimeout(circuit.probeTimer)
    circuit.probeTimer = setTimeout(() => {
      circuit.state = 'half-open'
      this.emit('changed')
    }, circuit.probeDelayMs)
    circuit.probeTimer.unref()
    this.emit('changed')
  }

  #of(name: CircuitName): Circuit {
    let circuit = this.#circuits.get(name)
    if (!circuit) {
      circuit = {
        name,
        state: 'closed',
        consecutiveFailures: 0,
        lastSuccessAt: 0,
        lastUsedAt: this.#now(),
        openedAt: 0,
        probeDelayMs: firstProbeDelayMs,
        probeTimer: undefined,
        lastCode: '',
      }
      this.#circuits.set(name, circuit)
    }
    return circuit
  }
}
