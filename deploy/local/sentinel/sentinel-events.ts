import { EventEmitter } from 'node:events'

/** `analyst` is a hand in the portal (a method of the store), `api` a request. */
export type Writer = 'api' | 'analyst'

/** `incident` is the GUID in lower case, `armId` the whole id. */
export interface IncidentEvent {
  incident: string
  armId: string
  by: Writer
}

export interface SentinelEventMap {
  /** Each request, after its answer was handed over; `status` is 0 where the connection was destroyed instead. */
  request: [{ method: string; path: string; query: string; status: number; at: number; incident?: string }]
  'incident-read': [IncidentEvent]
  'incident-written': [IncidentEvent]
  'task-written': [IncidentEvent & { taskId: string; created: boolean }]
  'comment-written': [IncidentEvent & { commentId: string; created: boolean }]
  refused: [{ method: string; path: string; status: number; code: string; incident?: string }]
}

export type SentinelEvents = EventEmitter<SentinelEventMap>

export function createSentinelEvents(): SentinelEvents {
  return new EventEmitter<SentinelEventMap>().setMaxListeners(0)
}
