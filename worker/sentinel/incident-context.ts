import type { Alert, Entity, Incident } from './incident.ts'

/** What a playbook's templates see as `incident`. Every text is bounded, every list is cut. */
export interface IncidentContext {
  title: string
  /** The incident's own; without one its alerts' descriptions; without those, title and tactics. Never empty. */
  description: string
  severity: string
  status: string
  number: number | ''
  tactics: string[]
  techniques: string[]
  alerts: { title: string; description: string; severity: string; product: string; tactics: string[] }[]
  entities: { kind: string; name: string }[]
}

const maxTitle = 500
/** Sentinel's own limit for an incident's description is 5,000 characters. */
const maxDescription = 5_000
const maxAlerts = 20
const maxAlertDescription = 2_000
const maxEntities = 50
const maxEntityName = 300
const maxNames = 30

/** Makes the context; `alerts` and `entities` are empty where the playbook did not ask for them. Pure. */
export function incidentContext(incident: Incident, alerts: Alert[], entities: Entity[]): IncidentContext {
  const { properties } = incident
  const title = bounded(properties.title, maxTitle)
  const tactics = boundedNames(properties.additionalData?.tactics)
  const seenAlerts = alerts.slice(0, maxAlerts).map(({ properties: alert }) => ({
    title: bounded(alert?.alertDisplayName, maxTitle),
    description: bounded(alert?.description, maxAlertDescription),
    severity: bounded(alert?.severity, 40),
    product: bounded(alert?.productName, 100),
    tactics: boundedNames(alert?.tactics),
  }))
  return {
    title,
    description: describe(bounded(properties.description, maxDescription), seenAlerts, title, tactics),
    severity: bounded(properties.severity, 40),
    status: bounded(properties.status, 40),
    number: properties.incidentNumber ?? '',
    tactics,
    techniques: boundedNames(properties.additionalData?.techniques),
    alerts: seenAlerts,
    entities: entities.slice(0, maxEntities).map((entity) => ({
      kind: bounded(entity.kind, 40),
      name: bounded(entityName(entity), maxEntityName),
    })),
  }
}

/** Whether the context cannot be made well without the alerts: Defender XDR's incidents have no description of their own. */
export function needsAlerts(incident: Incident): boolean {
  return !incident.properties.description?.trim() && incident.properties.additionalData?.alertsCount !== 0
}

function describe(own: string, alerts: IncidentContext['alerts'], title: string, tactics: string[]): string {
  if (own !== '') return own
  const told = alerts.map((alert) => alert.description || alert.title).filter((text) => text !== '')
  const distinct = [...new Set(told)]
  if (distinct.length > 0) return bounded(distinct.join('\n'), maxDescription)
  return tactics.length > 0 ? `${title} (tactics: ${tactics.join(', ')})` : title
}

/** The property that names an entity, by its kind's usual member; the portal's friendly name else. */
function entityName(entity: Entity): string {
  const properties = entity.properties ?? {}
  const text = (name: string) => (typeof properties[name] === 'string' ? (properties[name] as string) : '')
  if (entity.kind === 'Account' && text('accountName') && text('upnSuffix')) {
    return `${text('accountName')}@${text('upnSuffix')}`
  }
  if (entity.kind === 'FileHash') return [text('algorithm'), text('hashValue')].filter(Boolean).join(' ')
  const members = [
    'address',
    'hostName',
    'url',
    'domainName',
    'commandLine',
    'fileName',
    'mailboxPrimaryAddress',
    'resourceId',
  ]
  return members.map(text).find(Boolean) || text('friendlyName')
}

function bounded(value: string | null | undefined, maxCharacters: number): string {
  const text = value?.trim() ?? ''
  if (text.length <= maxCharacters) return text
  // Cutting between the halves of a surrogate pair would leave a broken character.
  return `${text.slice(0, maxCharacters).replace(/[\uD800-\uDBFF]$/, '')} […cut]`
}

function boundedNames(names: string[] | null | undefined): string[] {
  return (names ?? []).slice(0, maxNames).map((name) => bounded(name, 100))
}
