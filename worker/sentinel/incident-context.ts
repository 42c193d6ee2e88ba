import { IncidentGuard } from '../untrusted/incident-guard.ts'
import { cutText } from '../untrusted/normalise-text.ts'
import type { CuttablePart } from './cut-context.ts'
import type { Alert, Entity, Incident } from './incident.ts'

/** What a playbook's templates see as `incident`. Every text is bounded, clean and without secrets, every list is cut. */
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
  /** How much there is of each part, in characters or items: what is shown may be less. Templates cannot name it. */
  whole: Record<CuttablePart, number>
  /** Belongs to the run; templates cannot name it. */
  guard: IncidentGuard
}

const maxTitle = 500
/** Sentinel's own limit for an incident's description is 5,000 characters. */
const maxDescription = 5_000
export const maxAlerts = 20
const maxAlertDescription = 2_000
export const maxEntities = 50
const maxEntityName = 300
const maxNames = 30
/**
 * All texts together, in bytes of UTF-8: more does not fit an incident's tokens, and counting the tokens of hostile text
 * costs milliseconds per kilobyte.
 */
const maxEvidenceBytes = 16_384
/** What is redacted may be much longer than what is left of it; no more is read than this. */
const maxReadCharacters = 40_000

/** Makes the context; `alerts` and `entities` are empty where the playbook did not ask for them. */
export function incidentContext(
  incident: Incident,
  alerts: Alert[],
  entities: Entity[],
  guard: IncidentGuard = new IncidentGuard(),
): IncidentContext {
  const { properties } = incident
  const seenEntities = entities.slice(0, maxEntities)
  for (const entity of seenEntities) learnNames(entity, guard)
  let left = maxEvidenceBytes
  let unread = maxReadCharacters
  const isFull = () => left <= 0 || unread <= 0
  const text = (raw: string | null | undefined, maxCharacters: number): string => {
    if (!raw || isFull()) return ''
    const clean = guard.clean(raw, Math.min(maxCharacters, left))
    left -= Buffer.byteLength(clean)
    unread -= Math.min(raw.length, 2 * maxCharacters)
    return clean
  }
  const names = (raw: string[] | null | undefined) => (raw ?? []).slice(0, maxNames).map((name) => text(name, 100))

  const title = text(properties.title, maxTitle)
  const severity = text(properties.severity, 40)
  const status = text(properties.status, 40)
  const tactics = names(properties.additionalData?.tactics)
  const techniques = names(properties.additionalData?.techniques)
  const own = text(properties.description, maxDescription)
  const seenAlerts: IncidentContext['alerts'] = []
  for (const { properties: alert } of alerts.slice(0, maxAlerts)) {
    if (isFull()) break
    seenAlerts.push({
      title: text(alert?.alertDisplayName, maxTitle),
      description: text(alert?.description, maxAlertDescription),
      severity: text(alert?.severity, 40),
      product: text(alert?.productName, 100),
      tactics: names(alert?.tactics),
    })
  }
  const shownEntities: IncidentContext['entities'] = []
  for (const entity of seenEntities) {
    if (isFull()) break
    shownEntities.push({ kind: text(entity.kind, 40), name: text(entityName(entity), maxEntityName) })
  }
  const description = describe(own, seenAlerts, title, tactics)
  return {
    title,
    description,
    severity,
    status,
    number: properties.incidentNumber ?? '',
    tactics,
    techniques,
    alerts: seenAlerts,
    entities: shownEntities,
    whole: {
      description: description.length,
      alerts: alerts.length,
      entities: entities.length,
      tactics: properties.additionalData?.tactics?.length ?? 0,
      techniques: properties.additionalData?.techniques?.length ?? 0,
    },
    guard,
  }
}

/** Whether the context cannot be made well without the alerts: Defender XDR's incidents have no description of their own. */
export function needsAlerts(incident: Incident): boolean {
  return !incident.properties.description?.trim() && incident.properties.additionalData?.alertsCount !== 0
}

/**
 * The same incident without the texts that a content filter may object to: what stays are the title, the sober facts, and
 * which kinds of entities there are.
 */
export function reducedContext(context: IncidentContext): IncidentContext {
  const leftOut = '[left out: the content filter refused it]'
  return {
    ...context,
    description: leftOut,
    whole: { ...context.whole, description: leftOut.length },
    alerts: context.alerts.map((alert) => ({ ...alert, title: leftOut, description: leftOut })),
    entities: context.entities.map((entity) => ({ ...entity, name: leftOut })),
  }
}

function describe(own: string, alerts: IncidentContext['alerts'], title: string, tactics: string[]): string {
  if (own !== '') return own
  const told = alerts.map((alert) => alert.description || alert.title).filter((text) => text !== '')
  const distinct = [...new Set(told)]
  if (distinct.length > 0) return cutText(distinct.join('\n'), maxDescription)
  return tactics.length > 0 ? `${title} (tactics: ${tactics.join(', ')})` : title
}

const textOf = (entity: Entity, name: string): string => {
  const value = entity.properties?.[name]
  return typeof value === 'string' ? value : ''
}

/** The property that names an entity, by its kind's usual member; the portal's friendly name else. */
function entityName(entity: Entity): string {
  const text = (name: string) => textOf(entity, name)
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

const maxLearntName = 120

function learnNames(entity: Entity, guard: IncidentGuard): void {
  const learn = (kind: 'USER' | 'HOST', ...members: string[]) => {
    for (const member of members) guard.learnName(kind, textOf(entity, member).trim().slice(0, maxLearntName))
  }
  if (entity.kind === 'Account') learn('USER', 'accountName', 'displayName')
  if (entity.kind === 'Host') learn('HOST', 'hostName', 'netBiosName')
}
