import { formatMoment } from './arm-clock.ts'
import { type ArmPath, incidentArmId, sentinelScope } from './arm-path.ts'
import { uuidFrom } from './caller.ts'
import { nextEtag } from './etag.ts'
import type { Comment, Entity, Incident, Owner, Relation, Task } from './resources.ts'
import type { RecordedIncident, SeedAlert, SeedIncident } from './seed-incident.ts'

/** A write that the API accepted. Edits by the analyst are not here: nobody sent them. */
export interface AcceptedWrite {
  /** Milliseconds since 1970. */
  at: number
  method: string
  path: string
  body: unknown
}

/** Everything the server knows about one incident. */
export interface IncidentRecord {
  /** The ARM id in lower case. */
  key: string
  scope: Pick<ArmPath, 'subscriptionId' | 'resourceGroup' | 'workspace'>
  incident: Incident
  alerts: Entity[]
  entities: Entity[]
  bookmarks: Entity[]
  /** By name in lower case; a map keeps creation order, and a replacement keeps its place. */
  tasks: Map<string, { task: Task; writes: number }>
  comments: Map<string, Comment>
  relations: Map<string, Relation>
  writes: AcceptedWrite[]
}

export const noOwner: Readonly<Owner> = { objectId: null, email: null, assignedTo: null, userPrincipalName: null }

/** Fills a seed up to what the service would answer; `number` becomes the incident's number. */
export function recordFromSeed(seed: SeedIncident, number: number, startedAt: number): IncidentRecord {
  const id = seed.id.toLowerCase()
  const scope = seed.workspace
  const createdMs = startedAt - (seed.ageMinutes ?? 60) * 60_000
  const created = formatMoment(createdMs)
  const fromDefender = /xdr|defender/i.test(seed.provider ?? '')
  const products = seed.products ?? [fromDefender ? 'Microsoft Defender for Endpoint' : 'Azure Sentinel']
  const tactics = seed.tactics ?? []
  const alerts = (seed.alerts ?? []).map((alert, at) => alertEntity(seed, alert, at, createdMs, products))
  const incident: Incident = {
    id: incidentArmId(scope, id),
    name: id,
    etag: nextEtag(),
    type: 'Microsoft.SecurityInsights/Incidents',
    properties: {
      title: seed.title,
      ...(seed.description !== undefined && { description: seed.description }),
      severity: seed.severity,
      status: seed.status ?? 'New',
      ...(seed.classification && { classification: seed.classification }),
      owner: seed.owner ? { ...seed.owner, userPrincipalName: seed.owner.email, ownerType: 'User' } : { ...noOwner },
      labels: (seed.labels ?? []).map((label) =>
        typeof label === 'string' ? { labelName: label, labelType: 'User' } : { ...label },
      ),
      firstActivityTimeUtc: formatMoment(createdMs - 95 * 60_000),
      lastActivityTimeUtc: formatMoment(createdMs - 4 * 60_000),
      lastModifiedTimeUtc: created,
      createdTimeUtc: created,
      incidentNumber: number,
      additionalData: {
        alertsCount: alerts.length,
        bookmarksCount: seed.bookmarks?.length ?? 0,
        commentsCount: 0,
        alertProductNames: products,
        tactics,
        techniques: seed.techniques ?? [],
        ...(fromDefender && { providerIncidentUrl: `https://security.microsoft.com/incidents/${number}` }),
      },
      relatedAnalyticRuleIds: fromDefender
        ? []
        : [`${sentinelScope(scope)}/alertRules/${uuidFrom(`rule:${seed.title}`)}`],
      incidentUrl: portalUrl(incidentArmId(scope, id)),
      providerName: seed.provider ?? 'Azure Sentinel',
      providerIncidentId: String(number),
    },
  }
  const entities = (seed.entities ?? []).map((entity, at): Entity => {
    const properties = { ...entity.properties, friendlyName: entity.name }
    return entityFrame(scope, uuidFrom(`${id}/entity/${at}`), entity.kind, properties)
  })
  const bookmarks = (seed.bookmarks ?? []).map((bookmark, at): Entity => {
    const { title, ...rest } = bookmark
    const properties = { displayName: title, ...rest, created, updated: created, labels: [], friendlyName: title }
    return entityFrame(scope, uuidFrom(`${id}/bookmark/${at}`), 'Bookmark', properties)
  })
  return completeRecord({ incident, alerts, entities, bookmarks, scope })
}

/** Takes a recorded answer over as it stands. */
export function recordFromAnswer(recorded: RecordedIncident, scope: IncidentRecord['scope']): IncidentRecord {
  const { incident, alerts = [], entities = [] } = structuredClone(recorded)
  return completeRecord({ incident, alerts, entities, bookmarks: [], scope })
}

/** An incident that a client creates by PUT starts from here. */
export function emptyRecord(scope: IncidentRecord['scope'], incident: Incident): IncidentRecord {
  return completeRecord({ incident, alerts: [], entities: [], bookmarks: [], scope })
}

export function portalUrl(armId: string): string {
  return `https://portal.azure.com/#asset/Microsoft_Azure_Security_Insights/Incident${armId}`
}

function completeRecord(
  parts: Pick<IncidentRecord, 'incident' | 'alerts' | 'entities' | 'bookmarks' | 'scope'>,
): IncidentRecord {
  const relations = new Map(parts.alerts.map((alert) => [alert.name, alertRelation(parts.incident, alert)]))
  return {
    ...parts,
    key: parts.incident.id.toLowerCase(),
    relations,
    tasks: new Map(),
    comments: new Map(),
    writes: [],
  }
}

function alertRelation(incident: Incident, alert: Entity): Relation {
  return {
    id: `${incident.id}/Relations/${alert.name}`,
    name: alert.name,
    etag: nextEtag(),
    type: 'Microsoft.SecurityInsights/Incidents/Relations',
    properties: {
      relatedResourceId: alert.id,
      relatedResourceName: alert.name,
      relatedResourceType: alert.type,
      relatedResourceKind: alert.kind,
    },
  }
}

function entityFrame(
  scope: IncidentRecord['scope'],
  name: string,
  kind: string,
  properties: Record<string, unknown>,
): Entity {
  return {
    id: `${sentinelScope(scope)}/Entities/${name}`,
    name,
    type: 'Microsoft.SecurityInsights/Entities',
    kind,
    properties,
  }
}

function alertEntity(seed: SeedIncident, alert: SeedAlert, at: number, createdMs: number, products: string[]): Entity {
  const name = uuidFrom(`${seed.id}/alert/${at}`)
  return entityFrame(seed.workspace, name, 'SecurityAlert', {
    systemAlertId: name,
    tactics: alert.tactics ?? seed.tactics ?? [],
    alertDisplayName: alert.title,
    ...(alert.description !== undefined && { description: alert.description }),
    confidenceLevel: 'Unknown',
    severity: alert.severity ?? seed.severity,
    vendorName: 'Microsoft',
    productName: alert.product ?? products[0] ?? 'Azure Sentinel',
    alertType: uuidFrom(`type:${alert.title}`),
    status: 'New',
    startTimeUtc: formatMoment(createdMs - (95 - at) * 60_000),
    endTimeUtc: formatMoment(createdMs - 4 * 60_000),
    timeGenerated: formatMoment(createdMs - 60_000),
    processingEndTime: formatMoment(createdMs - 30_000),
    providerAlertId: uuidFrom(`${seed.id}/provider-alert/${at}`),
    ...(alert.compromisedEntity && { compromisedEntity: alert.compromisedEntity }),
    ...(alert.remediationSteps && { remediationSteps: alert.remediationSteps }),
    additionalData: {},
    friendlyName: alert.title,
  })
}
