/**
 * Azure Resource Manager ids of workspaces and incidents. ARM compares them case-insensitively, and real ones differ in
 * case (`/Incidents/` from the service, `/incidents/` in its documentation), so nothing outside this file compares raw text.
 */

export interface WorkspaceRef {
  subscriptionId: string
  resourceGroup: string
  workspace: string
}

export interface IncidentRef extends WorkspaceRef {
  /** The incident's name, a GUID for every incident that Sentinel made; lower case. */
  incident: string
  /** The id in canonical spelling, as the service writes it. */
  armId: string
  /** The same, lower case: the key under which incidents are compared, hashed and stored. */
  key: string
}

const segment = '([^/?#\\\\\\s]{1,260})'
const workspacePath = `/subscriptions/${segment}/resourceGroups/${segment}/providers/Microsoft\\.OperationalInsights/workspaces/${segment}`
const workspacePattern = new RegExp(`^${workspacePath}/?$`, 'i')
const incidentPattern = new RegExp(
  `^${workspacePath}/providers/Microsoft\\.SecurityInsights/Incidents/([A-Za-z0-9_-]{1,128})/?$`,
  'i',
)
/** What a name may contain; `.` and `..` would climb out of the path when it is put into a URL. */
const plainName = /^(?!\.{1,2}$)[\p{L}\p{N}_.()-]+$/u

/** Reads an incident's ARM id; `undefined` when the text is anything else, another resource's id included. */
export function parseIncidentArmId(text: string): IncidentRef | undefined {
  const match = incidentPattern.exec(text.trim())
  if (!match) return undefined
  const [, subscriptionId = '', resourceGroup = '', workspace = '', incident = ''] = match
  if (![subscriptionId, resourceGroup, workspace].every((name) => plainName.test(name))) return undefined
  const ref = { subscriptionId, resourceGroup, workspace, incident: incident.toLowerCase() }
  const armId = `${workspaceArmId(ref)}/providers/Microsoft.SecurityInsights/Incidents/${ref.incident}`
  return { ...ref, armId, key: armId.toLowerCase() }
}

/** Reads a workspace's ARM id; a segment may be `*` when `allowWildcards` is set. */
export function parseWorkspaceArmId(text: string, allowWildcards = false): WorkspaceRef | undefined {
  const match = workspacePattern.exec(text.trim())
  if (!match) return undefined
  const [, subscriptionId = '', resourceGroup = '', workspace = ''] = match
  const names = [subscriptionId, resourceGroup, workspace]
  if (!names.every((name) => plainName.test(name) || (allowWildcards && name === '*'))) return undefined
  return { subscriptionId, resourceGroup, workspace }
}

/** The workspace's ARM id in canonical spelling. */
export function workspaceArmId(ref: WorkspaceRef): string {
  return `/subscriptions/${ref.subscriptionId}/resourceGroups/${ref.resourceGroup}/providers/Microsoft.OperationalInsights/workspaces/${ref.workspace}`
}

/** Whether an allow-list entry (each segment a name or `*`) covers the workspace. */
export function coversWorkspace(entry: WorkspaceRef, ref: WorkspaceRef): boolean {
  const same = (pattern: string, name: string) => pattern === '*' || pattern.toLowerCase() === name.toLowerCase()
  return (
    same(entry.subscriptionId, ref.subscriptionId) &&
    same(entry.resourceGroup, ref.resourceGroup) &&
    same(entry.workspace, ref.workspace)
  )
}
