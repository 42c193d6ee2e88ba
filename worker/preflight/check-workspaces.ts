import { coversWorkspace, type IncidentRef, type WorkspaceRef, workspaceArmId } from '../../shared/arm-id.ts'
import { asFailure, type Failure } from '../../shared/failure.ts'
import type { SentinelClient } from '../sentinel/sentinel-client.ts'
import { type CheckResult, grantCommand, roles } from './check-result.ts'

/** Each allowed workspace can be read; a wildcard names none that could be tried. */
export async function checkWorkspaces(
  workspaces: readonly WorkspaceRef[],
  sentinel: SentinelClient,
  principal: string | undefined,
  signal: AbortSignal,
): Promise<CheckResult[]> {
  return await Promise.all(
    workspaces.map(async (workspace): Promise<CheckResult> => {
      const what = `workspace ${workspace.workspace}`
      if (workspaceArmId(workspace).includes('*')) {
        return {
          what,
          status: 'warning',
          says: 'the entry has a wildcard, so there is none to try',
          todo: 'List the workspaces one by one, at least for this check.',
        }
      }
      try {
        const filter = `properties/createdTimeUtc ge ${new Date(Date.now() - 30 * 86_400_000).toISOString()}`
        const { items } = await sentinel.listIncidents(workspace, { filter, pageSize: 1 }, signal)
        const says = items.length > 0 ? 'incidents can be read' : 'can be read; it has no incident of the last 30 days'
        return { what, status: 'passed', says: `${says}; --write proves that they can be written to` }
      } catch (error) {
        return failedAt(what, asFailure(error), workspace, principal)
      }
    }),
  )
}

/** Writes a task on the named incident and deletes it again. */
export async function checkWrite(
  incident: IncidentRef,
  workspaces: readonly WorkspaceRef[],
  sentinel: SentinelClient,
  principal: string | undefined,
  signal: AbortSignal,
): Promise<CheckResult[]> {
  const what = `write to ${incident.workspace}`
  if (!workspaces.some((entry) => coversWorkspace(entry, incident))) {
    const todo = `Add ${workspaceArmId(incident)} to the list, or name an incident of a workspace that is on it.`
    return [{ what, status: 'failed', says: 'SENTINEL_WORKSPACES does not list the workspace of the incident', todo }]
  }
  const id = crypto.randomUUID()
  const description = 'Written by enricher check to prove that tasks can be written. It is deleted at once.'
  try {
    await sentinel.createTask(incident, { id, title: 'enricher check', description }, signal)
  } catch (error) {
    return [failedAt(what, asFailure(error), incident, principal)]
  }
  try {
    await sentinel.deleteTask(incident, id, signal)
    return [{ what, status: 'passed', says: 'a task was written and deleted again' }]
  } catch (error) {
    const says = `a task was written, but could not be deleted (${asFailure(error).code})`
    return [{ what, status: 'warning', says, todo: `Delete the task "enricher check" (${id}) by hand.` }]
  }
}

function failedAt(what: string, failure: Failure, workspace: WorkspaceRef, principal: string | undefined): CheckResult {
  const scope = workspaceArmId(workspace)
  if (failure.kind === 'access-denied') {
    return {
      what,
      status: 'failed',
      says: `ARM refuses it (${failure.code}): the role ${roles.responder} is missing`,
      todo: grantCommand(roles.responder, scope, principal),
    }
  }
  if (failure.reason === 'IncidentNotFound') {
    const todo = `Check that ${scope} exists, that Microsoft Sentinel is enabled on it, and that the identity may see it.`
    return { what, status: 'failed', says: `Sentinel does not know it (${failure.code})`, todo }
  }
  return { what, status: 'failed', says: failure.message }
}
