import { type ApiContext, type ArmAnswer, type ArmCall, answerWith, eventOf, journal } from './arm-call.ts'
import { normalizeTime } from './arm-clock.ts'
import { badRequest, staleEtag } from './arm-error.ts'
import { incidentArmId } from './arm-path.ts'
import { nextEtag, sameEtag } from './etag.ts'
import { emptyRecord, noOwner, portalUrl } from './incident-record.ts'
import { emptyField, emptyTitle, isObject, readResource, readText, readWord } from './request-body.ts'
import {
  classificationReasons,
  classifications,
  type Incident,
  type IncidentProperties,
  type Label,
  type Owner,
  severities,
  statuses,
} from './resources.ts'

/** The documented limit of an incident's description. */
const maxDescription = 5_000
/** No limit is documented for titles, labels and comments on the classification; this one only bounds memory. */
const maxText = 10_000

type WritableName =
  | 'title'
  | 'description'
  | 'severity'
  | 'status'
  | 'classification'
  | 'classificationReason'
  | 'classificationComment'
  | 'owner'
  | 'labels'
  | 'firstActivityTimeUtc'
  | 'lastActivityTimeUtc'
type WritableProperties = Pick<IncidentProperties, WritableName>

/**
 * Incidents_CreateOrUpdate. The body replaces everything that a client may write: a property that is not sent is gone.
 * (Reports about the real service disagree: lost in 2020, kept by some callers since. The harsher reading is the one
 * that finds a client which sends too little.) A stale etag is refused; without an etag the last writer wins.
 * Read-only and unknown properties are ignored.
 */
export async function putIncident(call: ArmCall, context: ApiContext): Promise<ArmAnswer> {
  const { table, events } = context
  const name = (call.path.incident ?? '').toLowerCase()
  const armId = incidentArmId(table.workspaceAt(call.path) ?? call.path, name)
  await context.beforeWrite()?.({ incident: name, armId, body: structuredClone(call.body) })

  // From here to the end nothing waits: the etag is judged and moved in one step.
  const sent = readResource(call.body)
  const existing = table.at(call.path)
  if (existing && sent.etag !== undefined && !sameEtag(sent.etag, existing.incident.etag)) throw staleEtag(name)
  const writable = readWritable(sent.properties, existing?.incident.properties.labels ?? [])

  const record = existing ?? table.insert(emptyRecord(call.path, newIncident(call, context, armId, name)))
  record.incident.properties = { ...readOnlyOf(record.incident.properties), ...writable }
  table.touch(record)
  journal(record, call)
  const answer = answerWith(existing ? 200 : 201, record.incident)
  events.emit('incident-written', eventOf(record))
  return answer
}

function readWritable(properties: Record<string, unknown>, present: Label[]): WritableProperties {
  const title = readText(properties, 'title', maxText)
  if (title === undefined) throw emptyTitle()
  const severity = readWord(properties, 'severity', severities)
  if (severity === undefined) throw emptyField('severity')
  const status = readWord(properties, 'status', statuses)
  if (status === undefined) throw emptyField('status')
  const optional = {
    description: readText(properties, 'description', maxDescription),
    classification: readWord(properties, 'classification', classifications),
    classificationReason: readWord(properties, 'classificationReason', classificationReasons),
    classificationComment: readText(properties, 'classificationComment', maxText),
    firstActivityTimeUtc: readTime(properties, 'firstActivityTimeUtc'),
    lastActivityTimeUtc: readTime(properties, 'lastActivityTimeUtc'),
  }
  const sentOptional = Object.fromEntries(Object.entries(optional).filter(([, value]) => value !== undefined))
  return {
    title,
    severity,
    status,
    ...sentOptional,
    owner: readOwner(properties.owner),
    labels: readLabels(properties.labels, present),
  }
}

function readTime(properties: Record<string, unknown>, name: string): string | undefined {
  const text = readText(properties, name, 64)
  if (text === undefined) return undefined
  const time = normalizeTime(text)
  if (!time) throw badRequest(`Invalid value '${text}' for '${name}': a time is expected.`)
  return time
}

function readOwner(value: unknown): Owner {
  if (value === undefined || value === null) return { ...noOwner }
  if (!isObject(value)) throw badRequest("Invalid value for 'owner'.")
  const owner = {
    objectId: readText(value, 'objectId', 64) ?? null,
    email: readText(value, 'email', maxText) ?? null,
    assignedTo: readText(value, 'assignedTo', maxText) ?? null,
    userPrincipalName: readText(value, 'userPrincipalName', maxText) ?? null,
  }
  const ownerType = readWord(value, 'ownerType', ['Unknown', 'User', 'Group'])
  const assigned = owner.objectId !== null || owner.email !== null || owner.userPrincipalName !== null
  return assigned ? { ...owner, ownerType: ownerType ?? 'User' } : { ...noOwner }
}

/** `labelType` is read-only: a label that the system assigned stays so, any other becomes the user's. */
function readLabels(value: unknown, present: Label[]): Label[] {
  if (value === undefined || value === null) return []
  if (!Array.isArray(value)) throw badRequest("Invalid value for 'labels': an array is expected.")
  const assigned = new Set(
    present.filter(({ labelType }) => labelType === 'AutoAssigned').map(({ labelName }) => labelName),
  )
  return value.map((label: unknown) => {
    const labelName = isObject(label) ? readText(label, 'labelName', maxText) : undefined
    if (labelName === undefined) throw badRequest("'LabelName' must have a non-empty value")
    return { labelName, labelType: assigned.has(labelName) ? 'AutoAssigned' : 'User' }
  })
}

function readOnlyOf(properties: IncidentProperties): Omit<IncidentProperties, WritableName> {
  const { lastModifiedTimeUtc, createdTimeUtc, incidentNumber, additionalData, relatedAnalyticRuleIds } = properties
  const { incidentUrl, providerName, providerIncidentId } = properties
  return {
    lastModifiedTimeUtc,
    createdTimeUtc,
    incidentNumber,
    additionalData,
    relatedAnalyticRuleIds,
    incidentUrl,
    providerName,
    providerIncidentId,
  }
}

function newIncident(call: ArmCall, { table }: ApiContext, armId: string, name: string): Incident {
  const number = table.nextNumber()
  const created = table.clock.now()
  return {
    id: armId,
    name,
    etag: nextEtag(),
    type: 'Microsoft.SecurityInsights/Incidents',
    properties: {
      ...readWritable(readResource(call.body).properties, []),
      lastModifiedTimeUtc: created,
      createdTimeUtc: created,
      incidentNumber: number,
      additionalData: {
        alertsCount: 0,
        bookmarksCount: 0,
        commentsCount: 0,
        alertProductNames: [],
        tactics: [],
        techniques: [],
      },
      relatedAnalyticRuleIds: [],
      incidentUrl: portalUrl(armId),
      providerName: 'Azure Sentinel',
      providerIncidentId: String(number),
    },
  }
}
