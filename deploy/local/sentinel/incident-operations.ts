import { type ApiContext, type ArmAnswer, type ArmCall, answerWith, eventOf, journal } from './arm-call.ts'
import { resourceMissing } from './arm-error.ts'
import type { IncidentRecord } from './incident-record.ts'
import { takePage } from './list-page.ts'
import type { PropertyReader } from './odata-filter.ts'

/** Documented: a page holds at most 1,000 incidents. The default of 50 is what callers observe. */
const maxTop = 1000
const defaultTop = 50

/** @throws ArmError 404 when the incident does not exist. */
export function requireIncident(call: ArmCall, context: ApiContext): IncidentRecord {
  const record = context.table.at(call.path)
  if (!record) throw resourceMissing('Incident', call.path.incident ?? '')
  return record
}

export function listIncidents(call: ArmCall, { table }: ApiContext): ArmAnswer {
  const incidents = table.inWorkspace(call.path).map((record) => record.incident)
  const page = takePage(incidents, call.query, {
    read: readProperty,
    nameOf: (incident) => incident.name,
    // Not documented; the portal's own order.
    defaultOrder: 'properties/createdTimeUtc desc',
    defaultSize: defaultTop,
    maxSize: maxTop,
  })
  const next = page.skipToken === undefined ? {} : { nextLink: call.nextLink(page.skipToken) }
  return answerWith(200, { value: page.items, ...next })
}

export function getIncident(call: ArmCall, context: ApiContext): ArmAnswer {
  const record = requireIncident(call, context)
  const answer = answerWith(200, record.incident)
  context.events.emit('incident-read', eventOf(record))
  return answer
}

export function deleteIncident(call: ArmCall, context: ApiContext): ArmAnswer {
  const record = context.table.at(call.path)
  if (!record) return { status: 204 }
  journal(record, call)
  context.table.remove(record)
  return { status: 200 }
}

/** The three POSTs that only read. */
export function listAlerts(call: ArmCall, context: ApiContext): ArmAnswer {
  return answerWith(200, { value: requireIncident(call, context).alerts })
}

export function listBookmarks(call: ArmCall, context: ApiContext): ArmAnswer {
  return answerWith(200, { value: requireIncident(call, context).bookmarks })
}

export function listEntities(call: ArmCall, context: ApiContext): ArmAnswer {
  const { entities } = requireIncident(call, context)
  const byKind = Map.groupBy(entities, ({ kind }) => kind)
  const metaData = [...byKind].map(([entityKind, ofKind]) => ({ entityKind, count: ofKind.length }))
  return answerWith(200, { entities, metaData })
}

/** A property by its OData path. Names are compared in any case; lists and bags cannot be compared. */
export const readProperty: PropertyReader<{ name: string; properties: object }> = (incident, path) => {
  let value: unknown = incident
  for (const name of path.split('/')) {
    if (typeof value !== 'object' || value === null) return undefined
    const entry = Object.entries(value).find(([key]) => key.toLowerCase() === name.toLowerCase())
    value = entry?.[1]
  }
  return typeof value === 'string' || typeof value === 'number' ? value : undefined
}
