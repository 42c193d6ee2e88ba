import type { ArmPath } from './arm-path.ts'
import type { Caller } from './caller.ts'
import type { BeforeWrite } from './faults.ts'
import type { IncidentRecord } from './incident-record.ts'
import type { IncidentTable } from './incident-table.ts'
import type { IncidentEvent, SentinelEvents } from './sentinel-events.ts'

/** A request that passed authentication, throttling and the faults. */
export interface ArmCall {
  method: string
  path: ArmPath
  pathname: string
  query: URLSearchParams
  /** The parsed body; `undefined` when there was none. */
  body: unknown
  caller: Caller
  /** The absolute address of the next page: the request's own, with another `$skipToken`. */
  nextLink(skipToken: string): string
}

export interface ArmAnswer {
  status: number
  /** JSON. */
  text?: string
}

/**
 * Writes an answer down at once, before its event is emitted: a listener that edits the incident must not change what
 * a client was already told.
 */
export function answerWith(status: number, body: unknown): ArmAnswer {
  return { status, text: JSON.stringify(body) }
}

/** What the operations work on. */
export interface ApiContext {
  table: IncidentTable
  events: SentinelEvents
  /** The hook that a test may have set. */
  beforeWrite(): BeforeWrite | null
  taskPageSize: number
}

export function eventOf(record: IncidentRecord): IncidentEvent {
  return { incident: record.incident.name, armId: record.incident.id, by: 'api' }
}

/** Keeps the accepted write for the witness. */
export function journal(record: IncidentRecord, { method, pathname, body }: ArmCall): void {
  record.writes.push({ at: Date.now(), method, path: pathname, body })
}
