import { clientInfoOf, uuidFrom } from './caller.ts'
import { nextEtag } from './etag.ts'
import type { AcceptedWrite, IncidentRecord } from './incident-record.ts'
import type { IncidentTable } from './incident-table.ts'
import type { Comment, Incident, IncidentProperties, Task } from './resources.ts'
import type { RecordedIncident, SeedIncident } from './seed-incident.ts'
import type { IncidentEvent, SentinelEvents } from './sentinel-events.ts'

/** A task, and how many PUTs the API accepted for it: more than one means that somebody wrote it twice. */
export type WitnessedTask = Task & { writes: number }

/**
 * The witness and the analyst's hands. Reading gives copies, so a test cannot change what it looks at. Ids are ARM ids
 * or GUIDs, in any case; an unknown one throws.
 */
export interface SentinelStore {
  addIncident(seed: SeedIncident): Incident
  /** Takes over an incident as the API answered it, in any workspace: the workspace then exists. */
  addRecordedIncident(recorded: RecordedIncident): Incident
  incident(armIdOrGuid: string): Incident
  /** In the order in which they were added. */
  incidents(): Incident[]
  /** In creation order, which is the portal's. */
  tasks(armIdOrGuid: string): WitnessedTask[]
  /** In creation order. */
  comments(armIdOrGuid: string): Comment[]
  /** Every write that the API accepted, whether or not its answer arrived; the analyst's edits are not among them. */
  writesOf(armIdOrGuid: string): AcceptedWrite[]
  /** The analyst edits the incident in the portal: the etag moves. */
  editIncident(armIdOrGuid: string, edit: (properties: IncidentProperties) => void): void
  completeTask(armIdOrGuid: string, taskId: string): void
  deleteTask(armIdOrGuid: string, taskId: string): void
  /** Returns the comment's id. */
  addComment(armIdOrGuid: string, message: string): string
}

const analyst = {
  ...clientInfoOf({ objectId: uuidFrom('analyst'), appId: uuidFrom('portal') }),
  name: 'Mara Lindqvist',
}

export function createStore(table: IncidentTable, events: SentinelEvents): SentinelStore {
  function recordOf(armIdOrGuid: string): IncidentRecord {
    const record = table.find(armIdOrGuid)
    if (!record) throw new Error(`no such incident: ${armIdOrGuid}`)
    return record
  }
  function taskOf(record: IncidentRecord, taskId: string): Task {
    const entry = record.tasks.get(taskId.toLowerCase())
    if (!entry) throw new Error(`no such task: ${taskId}`)
    return entry.task
  }
  function analystEvent(record: IncidentRecord): IncidentEvent {
    return { incident: record.incident.name, armId: record.incident.id, by: 'analyst' }
  }

  return {
    addIncident: (seed) => structuredClone(table.addSeed(seed).incident),
    addRecordedIncident: (recorded) => structuredClone(table.addRecorded(recorded).incident),
    incident: (id) => structuredClone(recordOf(id).incident),
    incidents: () => table.all().map((record) => structuredClone(record.incident)),
    tasks: (id) => [...recordOf(id).tasks.values()].map(({ task, writes }) => ({ ...structuredClone(task), writes })),
    comments: (id) => structuredClone([...recordOf(id).comments.values()]),
    writesOf: (id) => structuredClone(recordOf(id).writes),

    editIncident(id, edit) {
      const record = recordOf(id)
      edit(record.incident.properties)
      table.touch(record)
      events.emit('incident-written', analystEvent(record))
    },
    completeTask(id, taskId) {
      const record = recordOf(id)
      const task = taskOf(record, taskId)
      task.properties.status = 'Completed'
      task.properties.lastModifiedTimeUtc = table.clock.now()
      task.properties.lastModifiedBy = analyst
      task.etag = nextEtag()
      table.touch(record)
      events.emit('task-written', { ...analystEvent(record), taskId: task.name, created: false })
    },
    deleteTask(id, taskId) {
      const record = recordOf(id)
      taskOf(record, taskId)
      record.tasks.delete(taskId.toLowerCase())
      table.touch(record)
    },
    addComment(id, message) {
      const record = recordOf(id)
      const commentId = uuidFrom(`${record.key}/analyst-comment/${table.clock.now()}`)
      const time = table.clock.now()
      record.comments.set(commentId, {
        id: `${record.incident.id}/Comments/${commentId}`,
        name: commentId,
        etag: nextEtag(),
        type: 'Microsoft.SecurityInsights/Incidents/Comments',
        properties: { message, createdTimeUtc: time, lastModifiedTimeUtc: time, author: analyst },
      })
      record.incident.properties.additionalData.commentsCount = record.comments.size
      table.touch(record)
      events.emit('comment-written', { ...analystEvent(record), commentId, created: true })
      return commentId
    },
  }
}
