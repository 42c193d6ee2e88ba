import { type IncidentRef, parseIncidentArmId, type WorkspaceRef } from '../../shared/arm-id.ts'
import type { Clock } from '../../shared/clock.ts'
import { Failure } from '../../shared/failure.ts'
import type { RunStore } from '../runs/run-store.ts'
import type { ListedIncident } from '../sentinel/incident.ts'
import type { SentinelClient } from '../sentinel/sentinel-client.ts'
import { hasTag } from '../sentinel/tag-incident.ts'

export const severities = ['High', 'Medium', 'Low', 'Informational'] as const
/** Closed incidents are skipped by the worker: there is no use in sending them. */
export const openStatuses = ['New', 'Active'] as const

/** Which incidents are looked at. Times are milliseconds since the epoch. */
export interface BackfillQuery {
  since: number
  until: number
  severities: readonly string[]
  statuses: readonly string[]
}

export interface MissedParts {
  sentinel: SentinelClient
  /** Undefined where no run record is configured: then nobody's live run is known. */
  runs: RunStore | undefined
  playbook: { name: string; tag: string }
  clock: Clock
  signal: AbortSignal
  onLooked(count: number): void
}

export interface Missed {
  incidents: IncidentRef[]
  looked: number
  tagged: number
  /** A worker is enriching it right now. */
  running: number
}

const pageSize = 200
/** Lookups of the run record at once. */
const lookupsAtOnce = 16
const patienceMs = [2_000, 5_000, 15_000, 30_000, 60_000]

/**
 * Pages through a workspace's incidents, oldest first, for those that lack the playbook's tag and that nobody is enriching.
 * Labels are compared here: whether the service takes a filter over lists is not documented.
 */
export async function findMissed(workspace: WorkspaceRef, query: BackfillQuery, parts: MissedParts): Promise<Missed> {
  const missed: Missed = { incidents: [], looked: 0, tagged: 0, running: 0 }
  const seen = new Set<string>()
  const filter = filterOf(query)
  let next: string | undefined
  do {
    const at = next
    const page = await patiently(parts, () =>
      parts.sentinel.listIncidents(
        workspace,
        at === undefined ? { filter, pageSize } : { filter, pageSize, next: at },
        parts.signal,
      ),
    )
    const fresh = page.items.flatMap((listed) => {
      const incident = parseIncidentArmId(listed.id)
      if (!incident || seen.has(incident.key)) return []
      seen.add(incident.key)
      return [{ listed, incident }]
    })
    missed.looked += fresh.length
    const untagged = fresh.filter(({ listed }) => !hasTag(listed, parts.playbook.tag))
    missed.tagged += fresh.length - untagged.length
    const running = await findRunning(untagged, parts)
    missed.running += running.size
    missed.incidents.push(
      ...untagged.filter(({ incident }) => !running.has(incident.key)).map(({ incident }) => incident),
    )
    parts.onLooked(missed.looked)
    next = page.next
  } while (next !== undefined)
  return missed
}

/** OData as the service documents it for incidents: times, and words joined by `or`. */
export function filterOf({ since, until, severities: wanted, statuses }: BackfillQuery): string {
  const anyOf = (property: string, words: readonly string[]) =>
    `(${words.map((word) => `${property} eq '${word}'`).join(' or ')})`
  return [
    `properties/createdTimeUtc ge ${new Date(since).toISOString()}`,
    `properties/createdTimeUtc lt ${new Date(until).toISOString()}`,
    anyOf('properties/status', statuses),
    ...(wanted.length < severities.length ? [anyOf('properties/severity', wanted)] : []),
  ].join(' and ')
}

async function findRunning(
  untagged: readonly { listed: ListedIncident; incident: IncidentRef }[],
  { runs, playbook, signal }: MissedParts,
): Promise<Set<string>> {
  const running = new Set<string>()
  if (!runs) return running
  for (let at = 0; at < untagged.length; at += lookupsAtOnce) {
    await Promise.all(
      untagged.slice(at, at + lookupsAtOnce).map(async ({ incident }) => {
        if ((await runs.heldUntil(incident, playbook.name, signal)) !== undefined) running.add(incident.key)
      }),
    )
  }
  return running
}

/** An operator's list may wait out a throttling that a message would be deferred for. */
async function patiently<T>({ clock, signal }: MissedParts, call: () => Promise<T>): Promise<T> {
  for (let tries = 0; ; tries++) {
    try {
      return await call()
    } catch (error) {
      const waitMs = patienceMs[tries]
      const passes =
        error instanceof Failure && (error.kind === 'throttled' || error.kind === 'outage') && !error.opensCircuit
      if (!passes || waitMs === undefined) throw error
      await clock.sleep(Math.max(waitMs, Math.min(error.retryAfterMs ?? 0, 120_000)), signal)
    }
  }
}
