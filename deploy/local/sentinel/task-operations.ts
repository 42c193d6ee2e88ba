import { type ApiContext, type ArmAnswer, type ArmCall, answerWith, eventOf, journal } from './arm-call.ts'
import { badRequest, resourceMissing, staleEtag } from './arm-error.ts'
import { clientInfoOf } from './caller.ts'
import { nextEtag, sameEtag } from './etag.ts'
import { requireIncident } from './incident-operations.ts'
import { takePage } from './list-page.ts'
import { emptyField, emptyTitle, readResource, readText, readWord } from './request-body.ts'
import { type Task, taskStatuses } from './resources.ts'

/** Documented: at most 100 tasks on an incident. */
const maxTasks = 100
/** Not documented. 3,000 is where a widely used client cuts (STAT-Function); 150 for titles is an assumption. */
const maxDescription = 3_000
const maxTitle = 150

/** In creation order; the operation has a next link, but no filter and no `$top`. */
export function listTasks(call: ArmCall, context: ApiContext): ArmAnswer {
  const tasks = [...requireIncident(call, context).tasks.values()].map(({ task }) => task)
  const onlyToken = new URLSearchParams([...call.query].filter(([name]) => name.toLowerCase() === '$skiptoken'))
  const page = takePage(tasks, onlyToken, {
    read: (task) => task.properties.createdTimeUtc,
    nameOf: (task) => task.name,
    defaultOrder: 'properties/createdTimeUtc',
    defaultSize: context.taskPageSize,
    maxSize: context.taskPageSize,
  })
  const next = page.skipToken === undefined ? {} : { nextLink: call.nextLink(page.skipToken) }
  return answerWith(200, { value: page.items, ...next })
}

export function getTask(call: ArmCall, context: ApiContext): ArmAnswer {
  const entry = requireIncident(call, context).tasks.get(keyOf(call))
  if (!entry) throw resourceMissing('IncidentTask', call.path.child ?? '')
  return answerWith(200, entry.task)
}

/**
 * IncidentTasks_CreateOrUpdate. A replacement resets title, description and status to what is sent: a task that an
 * analyst completed is open again when a client repeats its PUT. Only the creation time and author stay.
 */
export function putTask(call: ArmCall, context: ApiContext): ArmAnswer {
  const record = requireIncident(call, context)
  const { etag, properties } = readResource(call.body)
  const title = readText(properties, 'title', maxTitle)
  if (title === undefined) throw emptyTitle()
  const description = readText(properties, 'description', maxDescription)
  const status = readWord(properties, 'status', taskStatuses)
  if (status === undefined) throw emptyField('status')
  const existing = record.tasks.get(keyOf(call))
  if (!existing && record.tasks.size >= maxTasks) {
    throw badRequest(`The incident has ${maxTasks} tasks, the maximum number.`)
  }
  // Assumed to be as for incidents.
  if (existing && etag !== undefined && !sameEtag(etag, existing.task.etag)) throw staleEtag(existing.task.name)

  const name = existing?.task.name ?? call.path.child ?? ''
  const now = context.table.clock.now()
  const client = clientInfoOf(call.caller)
  const task: Task = {
    id: `${record.incident.id}/Tasks/${name}`,
    name,
    etag: nextEtag(),
    type: 'Microsoft.SecurityInsights/Incidents/Tasks',
    properties: {
      title,
      ...(description !== undefined && { description }),
      status,
      createdTimeUtc: existing?.task.properties.createdTimeUtc ?? now,
      lastModifiedTimeUtc: now,
      createdBy: existing?.task.properties.createdBy ?? client,
      lastModifiedBy: client,
    },
  }
  record.tasks.set(keyOf(call), { task, writes: (existing?.writes ?? 0) + 1 })
  context.table.touch(record)
  journal(record, call)
  const answer = answerWith(existing ? 200 : 201, task)
  context.events.emit('task-written', { ...eventOf(record), taskId: name, created: !existing })
  return answer
}

export function deleteTask(call: ArmCall, context: ApiContext): ArmAnswer {
  const record = requireIncident(call, context)
  if (!record.tasks.delete(keyOf(call))) return { status: 204 }
  context.table.touch(record)
  journal(record, call)
  return { status: 200 }
}

function keyOf(call: ArmCall): string {
  return (call.path.child ?? '').toLowerCase()
}
