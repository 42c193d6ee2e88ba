import type { EventEmitter } from 'node:events'
import type { ModelRequest } from '../../deploy/local/model/journal.ts'
import type { Stack } from '../../deploy/local/start-stack.ts'
import type { TableWrite } from '../../deploy/local/tables/tables.ts'
import type { TestIncident } from './incidents.ts'

/**
 * Everything of a run with the default playbook that somebody outside the worker can see, in the order of a quiet run.
 * `checkpoint n`: n answers are kept; answers that arrive together are kept by one write.
 */
export const effects = [
  'claimed',
  'request 1',
  'answer 1',
  'checkpoint 1',
  'request 2',
  'request 3',
  'request 4',
  'answer 2',
  'checkpoint 2',
  'answer 3',
  'checkpoint 3',
  'answer 4',
  'checkpoint 4',
  'task 1',
  'task 2',
  'task 3',
  'tagged',
  'finished',
  'settled',
] as const
export type Effect = (typeof effects)[number]

/** How often an incident's calls were asked, and how many of its answers are in the run record. */
export interface CallCount {
  asked: number
  saved: number
}

/**
 * Watches a stack's simulators and calls `onEffect` inside the event: the effect has happened, and its answer is not yet
 * passed on. Who kills a worker there leaves exactly this much done.
 */
export class EffectWatch {
  readonly #off: (() => void)[] = []
  readonly #counts = new Map<string, Map<string, number>>()
  readonly #saved = new Map<string, Set<string>>()

  constructor(
    stack: Stack,
    incidents: readonly TestIncident[],
    onEffect: (which: TestIncident, effect: string) => void,
  ) {
    const seen = (incident: TestIncident | undefined, kind: string, numbered = true) => {
      if (!incident) return
      const counts = this.#counts.get(incident.guid) ?? new Map<string, number>()
      this.#counts.set(incident.guid, counts)
      const count = (counts.get(kind) ?? 0) + 1
      counts.set(kind, count)
      onEffect(incident, numbered ? `${kind} ${count}` : kind)
    }
    const byGuid = (guid: string) => incidents.find((one) => one.guid === guid.toLowerCase())
    const byText = (text: string) => incidents.find((one) => text.includes(one.marker))
    const inMessages = (request: ModelRequest) => byText(JSON.stringify(request.messages))

    this.#on(stack.model.events, 'request', (request) => seen(inMessages(request), 'request'))
    this.#on(stack.model.events, 'answered', (request) => seen(inMessages(request), 'answer'))
    this.#on(stack.sentinel.events, 'task-written', ({ incident, by, created }) => {
      if (by === 'api' && created) seen(byGuid(incident), 'task')
    })
    this.#on(stack.sentinel.events, 'incident-written', ({ incident, by }) => {
      if (by === 'api') seen(byGuid(incident), 'tagged', false)
    })
    this.#on(stack.tables.events, 'written', (write) => {
      const incident = incidents.find((one) => write.sent.includes(one.guid))
      if (!incident || write.status >= 300) return
      const kind = kindOf(write)
      const saved = this.#savedOf(incident)
      for (const [answer] of write.sent.matchAll(/"answer_\w+?_0"/g)) {
        if (kind === 'checkpoint' && !saved.has(answer)) seen(incident, kind)
        saved.add(answer)
      }
      if (kind !== 'checkpoint') seen(incident, kind, false)
    })
    const sequences = new Map<string, TestIncident>()
    this.#on(stack.broker.events, 'enqueued', ({ queue, sequenceNumber }) => {
      const message = stack.broker.inspect(queue).active.find((one) => one.sequenceNumber === sequenceNumber)
      const incident = incidents.find((one) => String(message?.body).includes(one.guid))
      if (incident) sequences.set(`${queue}/${sequenceNumber}`, incident)
    })
    this.#on(stack.broker.events, 'settled', ({ queue, sequenceNumber, outcome }) => {
      if (outcome === 'completed') seen(sequences.get(`${queue}/${sequenceNumber}`), 'settled', false)
    })
  }

  callsOf(incident: TestIncident): CallCount {
    return {
      asked: this.#counts.get(incident.guid)?.get('request') ?? 0,
      saved: this.#saved.get(incident.guid)?.size ?? 0,
    }
  }

  close(): void {
    for (const off of this.#off) off()
  }

  #savedOf(incident: TestIncident): Set<string> {
    const saved = this.#saved.get(incident.guid) ?? new Set()
    this.#saved.set(incident.guid, saved)
    return saved
  }

  #on<M extends Record<keyof M, unknown[]>, K extends keyof M>(
    emitter: EventEmitter<M>,
    event: K,
    listener: (...values: M[K]) => void,
  ): void {
    // The emitter's own listener type is not inferred for a generic map.
    const plain = emitter as unknown as EventEmitter
    plain.setMaxListeners(0)
    plain.on(event as string, listener as (...values: unknown[]) => void)
    this.#off.push(() => plain.off(event as string, listener as (...values: unknown[]) => void))
  }
}

function kindOf(write: TableWrite): string {
  if (write.method === 'POST' && !write.sent.includes('X-HTTP-Method')) return 'claimed'
  if (write.sent.includes('"state":"done"')) return 'finished'
  if (write.sent.includes('"state":"claimed"')) return 'taken over'
  if (write.sent.includes('"state":"released"')) return 'handed back'
  return /"answer_\w+?_0"/.test(write.sent) ? 'checkpoint' : 'extended'
}
