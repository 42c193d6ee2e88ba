import { type ApiContext, type ArmAnswer, type ArmCall, answerWith, journal } from './arm-call.ts'
import { badRequest, resourceMissing } from './arm-error.ts'
import { nextEtag } from './etag.ts'
import { readProperty, requireIncident } from './incident-operations.ts'
import { takePage } from './list-page.ts'
import { readResource, readText } from './request-body.ts'
import type { Relation } from './resources.ts'

/** The published pattern of relation names. */
const relationName = /^[a-zA-Z0-9-]{3,63}$/

/** A relation to an alert or a bookmark. Writing one does not add the alert: the simulator's alerts are its seeds'. */
export function putRelation(call: ArmCall, context: ApiContext): ArmAnswer {
  const record = requireIncident(call, context)
  const name = call.path.child ?? ''
  if (!relationName.test(name)) throw badRequest(`The relation name '${name}' is invalid.`)
  const target = readText(readResource(call.body).properties, 'relatedResourceId', 2_000)
  if (target === undefined) throw badRequest("'RelatedResourceId' must have a non-empty value")
  const existing = record.relations.get(name.toLowerCase())
  const [kind = '', resource = ''] = target.split('/').slice(-2)
  const relation: Relation = {
    id: `${record.incident.id}/Relations/${name}`,
    name,
    etag: nextEtag(),
    type: 'Microsoft.SecurityInsights/Incidents/Relations',
    properties: {
      relatedResourceId: target,
      relatedResourceName: resource,
      relatedResourceType: `Microsoft.SecurityInsights/${kind}`,
    },
  }
  record.relations.set(name.toLowerCase(), relation)
  context.table.touch(record)
  journal(record, call)
  return answerWith(existing ? 200 : 201, relation)
}

export function listRelations(call: ArmCall, context: ApiContext): ArmAnswer {
  const page = takePage([...requireIncident(call, context).relations.values()], call.query, {
    read: readProperty,
    nameOf: (relation) => relation.name,
    defaultOrder: 'name',
    defaultSize: 50,
    maxSize: 1000,
  })
  const next = page.skipToken === undefined ? {} : { nextLink: call.nextLink(page.skipToken) }
  return answerWith(200, { value: page.items, ...next })
}

export function getRelation(call: ArmCall, context: ApiContext): ArmAnswer {
  const relation = requireIncident(call, context).relations.get((call.path.child ?? '').toLowerCase())
  if (!relation) throw resourceMissing('Relation', call.path.child ?? '')
  return answerWith(200, relation)
}

export function deleteRelation(call: ArmCall, context: ApiContext): ArmAnswer {
  const record = requireIncident(call, context)
  if (!record.relations.delete((call.path.child ?? '').toLowerCase())) return { status: 204 }
  context.table.touch(record)
  journal(record, call)
  return { status: 200 }
}
