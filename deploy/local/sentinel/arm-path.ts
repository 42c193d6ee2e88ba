const collections = ['alerts', 'bookmarks', 'entities', 'tasks', 'comments', 'relations'] as const
export type Collection = (typeof collections)[number]

/** What a request's path names. Names are as the caller wrote them; ARM compares them case-insensitively. */
export interface ArmPath {
  subscriptionId: string
  resourceGroup: string
  workspace: string
  incident?: string
  collection?: Collection
  child?: string
}

const frame = [
  'subscriptions',
  undefined,
  'resourcegroups',
  undefined,
  'providers',
  'microsoft.operationalinsights',
  'workspaces',
  undefined,
  'providers',
  'microsoft.securityinsights',
  'incidents',
]
/** A name must not smuggle a second path in: the SDK escapes a whole ARM id into one segment when it is given one. */
const plainName = /^[\p{L}\p{N}_.() -]+$/u

/** Reads the path of a request; `undefined` when it is no resource of this API. */
export function parseArmPath(pathname: string): ArmPath | undefined {
  let names: string[]
  try {
    names = pathname
      .replace(/^\/|\/$/g, '')
      .split('/')
      .map(decodeURIComponent)
  } catch {
    return undefined
  }
  if (names.length < frame.length || names.length > frame.length + 3) return undefined
  if (!names.every((name) => plainName.test(name))) return undefined
  if (!frame.every((fixed, at) => fixed === undefined || names[at]?.toLowerCase() === fixed)) return undefined

  const [, subscriptionId = '', , resourceGroup = '', , , , workspace = ''] = names
  const [incident, collectionName, child] = names.slice(frame.length)
  const collection = collections.find((name) => name === collectionName?.toLowerCase())
  if (collectionName !== undefined && !collection) return undefined
  return {
    subscriptionId,
    resourceGroup,
    workspace,
    ...(incident !== undefined && { incident }),
    ...(collection && { collection }),
    ...(child !== undefined && { child }),
  }
}

/** The path of a workspace's Sentinel resources, in the spelling in which the service answers ids. */
export function sentinelScope(names: Pick<ArmPath, 'subscriptionId' | 'resourceGroup' | 'workspace'>): string {
  return `/subscriptions/${names.subscriptionId}/resourceGroups/${names.resourceGroup}/providers/Microsoft.OperationalInsights/workspaces/${names.workspace}/providers/Microsoft.SecurityInsights`
}

/** The incident's ARM id, with the capital I that real answers have. */
export function incidentArmId(
  names: Pick<ArmPath, 'subscriptionId' | 'resourceGroup' | 'workspace'>,
  incident: string,
): string {
  return `${sentinelScope(names)}/Incidents/${incident}`
}
