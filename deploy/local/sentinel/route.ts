import type { ApiContext, ArmAnswer, ArmCall } from './arm-call.ts'
import { ArmError, workspaceMissing } from './arm-error.ts'
import { deleteComment, getComment, listComments, putComment } from './comment-operations.ts'
import {
  deleteIncident,
  getIncident,
  listAlerts,
  listBookmarks,
  listEntities,
  listIncidents,
} from './incident-operations.ts'
import { putIncident } from './put-incident.ts'
import { deleteRelation, getRelation, listRelations, putRelation } from './relation-operations.ts'
import { deleteTask, getTask, listTasks, putTask } from './task-operations.ts'

type Operation = (call: ArmCall, context: ApiContext) => ArmAnswer | Promise<ArmAnswer>

/** By verb and shape of the path. */
const operations: Record<string, Operation> = {
  'GET incidents': listIncidents,
  'GET incidents/{}': getIncident,
  'PUT incidents/{}': putIncident,
  'DELETE incidents/{}': deleteIncident,
  'POST incidents/{}/alerts': listAlerts,
  'POST incidents/{}/bookmarks': listBookmarks,
  'POST incidents/{}/entities': listEntities,
  'GET incidents/{}/tasks': listTasks,
  'GET incidents/{}/tasks/{}': getTask,
  'PUT incidents/{}/tasks/{}': putTask,
  'DELETE incidents/{}/tasks/{}': deleteTask,
  'GET incidents/{}/comments': listComments,
  'GET incidents/{}/comments/{}': getComment,
  'PUT incidents/{}/comments/{}': putComment,
  'DELETE incidents/{}/comments/{}': deleteComment,
  'GET incidents/{}/relations': listRelations,
  'GET incidents/{}/relations/{}': getRelation,
  'PUT incidents/{}/relations/{}': putRelation,
  'DELETE incidents/{}/relations/{}': deleteRelation,
}

/** @throws ArmError when there is no such operation or workspace, or when the operation refuses. */
export async function route(call: ArmCall, context: ApiContext): Promise<ArmAnswer> {
  const { incident, collection, child } = call.path
  const shape = ['incidents', incident && '{}', collection, child && '{}'].filter(Boolean).join('/')
  const operation = operations[`${call.method} ${shape}`]
  if (!operation) {
    throw new ArmError(405, 'MethodNotAllowed', `The requested resource does not support http method '${call.method}'.`)
  }
  if (!context.table.workspaceAt(call.path)) throw workspaceMissing(call.path)
  return operation(call, context)
}
