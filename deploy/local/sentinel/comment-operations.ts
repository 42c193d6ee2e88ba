import { type ApiContext, type ArmAnswer, type ArmCall, answerWith, eventOf, journal } from './arm-call.ts'
import { badRequest, resourceMissing } from './arm-error.ts'
import { clientInfoOf } from './caller.ts'
import { nextEtag } from './etag.ts'
import { readProperty, requireIncident } from './incident-operations.ts'
import { takePage } from './list-page.ts'
import { emptyField, readResource, readText } from './request-body.ts'
import type { Comment } from './resources.ts'

/** Both documented: at most 100 comments on an incident, 30,000 characters each; a longer one is refused, not cut. */
const maxComments = 100
const maxMessage = 30_000

export function listComments(call: ArmCall, context: ApiContext): ArmAnswer {
  const page = takePage([...requireIncident(call, context).comments.values()], call.query, {
    read: readProperty,
    nameOf: (comment) => comment.name,
    defaultOrder: 'properties/createdTimeUtc',
    defaultSize: 50,
    maxSize: 1000,
  })
  const next = page.skipToken === undefined ? {} : { nextLink: call.nextLink(page.skipToken) }
  return answerWith(200, { value: page.items, ...next })
}

export function getComment(call: ArmCall, context: ApiContext): ArmAnswer {
  const comment = requireIncident(call, context).comments.get(keyOf(call))
  if (!comment) throw resourceMissing('IncidentComment', call.path.child ?? '')
  return answerWith(200, comment)
}

export function putComment(call: ArmCall, context: ApiContext): ArmAnswer {
  const record = requireIncident(call, context)
  const message = readText(readResource(call.body).properties, 'message', maxMessage)
  if (message === undefined) throw emptyField('message')
  const existing = record.comments.get(keyOf(call))
  if (!existing && record.comments.size >= maxComments) {
    throw badRequest(`The incident has ${maxComments} comments, the maximum number.`)
  }

  const name = existing?.name ?? call.path.child ?? ''
  const now = context.table.clock.now()
  const comment: Comment = {
    id: `${record.incident.id}/Comments/${name}`,
    name,
    etag: nextEtag(),
    type: 'Microsoft.SecurityInsights/Incidents/Comments',
    properties: {
      message,
      createdTimeUtc: existing?.properties.createdTimeUtc ?? now,
      lastModifiedTimeUtc: now,
      author: existing?.properties.author ?? clientInfoOf(call.caller),
    },
  }
  record.comments.set(keyOf(call), comment)
  record.incident.properties.additionalData.commentsCount = record.comments.size
  context.table.touch(record)
  journal(record, call)
  const answer = answerWith(existing ? 200 : 201, comment)
  context.events.emit('comment-written', { ...eventOf(record), commentId: name, created: !existing })
  return answer
}

export function deleteComment(call: ArmCall, context: ApiContext): ArmAnswer {
  const record = requireIncident(call, context)
  if (!record.comments.delete(keyOf(call))) return { status: 204 }
  record.incident.properties.additionalData.commentsCount = record.comments.size
  context.table.touch(record)
  journal(record, call)
  return { status: 200 }
}

function keyOf(call: ArmCall): string {
  return (call.path.child ?? '').toLowerCase()
}
