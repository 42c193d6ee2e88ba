import type { SentinelClient } from '../sentinel/sentinel-client.ts'
import type { Telemetry } from './telemetry.ts'
import { spanNames } from './telemetry-names.ts'

/** Sentinel's client, each operation of which is a span: get, lists, and every write. */
export function traceSentinel(sentinel: SentinelClient, telemetry: Telemetry): SentinelClient {
  const traced = <T>(operation: string, work: () => Promise<T>): Promise<T> =>
    telemetry.span(spanNames.sentinel(operation), {}, work, { kind: 'client' })
  return {
    getIncident: (ref, signal) => traced('get incident', () => sentinel.getIncident(ref, signal)),
    putIncident: (ref, body, signal) => traced('put incident', () => sentinel.putIncident(ref, body, signal)),
    listTaskIds: (ref, signal) => traced('list tasks', () => sentinel.listTaskIds(ref, signal)),
    createTask: (ref, task, signal) => traced('create task', () => sentinel.createTask(ref, task, signal)),
    createComment: (ref, comment, signal) =>
      traced('create comment', () => sentinel.createComment(ref, comment, signal)),
    listAlerts: (ref, signal) => traced('list alerts', () => sentinel.listAlerts(ref, signal)),
    listEntities: (ref, signal) => traced('list entities', () => sentinel.listEntities(ref, signal)),
    listIncidents: (workspace, query, signal) =>
      traced('list incidents', () => sentinel.listIncidents(workspace, query, signal)),
    deleteTask: (ref, taskId, signal) => traced('delete task', () => sentinel.deleteTask(ref, taskId, signal)),
  }
}
