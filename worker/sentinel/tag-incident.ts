import type { IncidentRef } from '../../shared/arm-id.ts'
import type { Clock } from '../../shared/clock.ts'
import { Failure } from '../../shared/failure.ts'
import type { Incident } from './incident.ts'
import type { SentinelClient } from './sentinel-client.ts'

/** Says that the incident's text, or what a model made of it, gave an attack on the model away: that is intelligence. */
export const injectionTag = 'ai-prompt-injection'

/** Whether the incident carries the label; Sentinel shows labels of different case as one. */
export function hasTag(incident: { properties: Pick<Incident['properties'], 'labels'> }, tag: string): boolean {
  return (incident.properties.labels ?? []).some((label) => label.labelName.toLowerCase() === tag.toLowerCase())
}

/** What a PUT may set. The service replaces the whole incident: what is not sent is lost. */
const writable = [
  'title',
  'description',
  'severity',
  'status',
  'classification',
  'classificationReason',
  'classificationComment',
  'owner',
  'labels',
  'firstActivityTimeUtc',
  'lastActivityTimeUtc',
] as const

/** The body that adds labels and changes nothing else: every writable member verbatim, and the etag that was read. */
function withTags(incident: Incident, tags: readonly string[]): Record<string, unknown> {
  const properties: Record<string, unknown> = {}
  for (const name of writable) {
    const value = (incident.properties as Record<string, unknown>)[name]
    if (value !== undefined && value !== null) properties[name] = value
  }
  properties.labels = [...(incident.properties.labels ?? []), ...tags.map((labelName) => ({ labelName }))]
  return { etag: incident.etag, properties }
}

/** An analyst and other automation write too; a few conflicts in a row are normal, this many are somebody's loop. */
const maxConflicts = 25

/**
 * Adds the labels that are missing, in one write, under the incident's etag; on a conflict reads again and merges again, so no edit is ever lost.
 * Without an etag the last writer wins, so an incident that has none is not written.
 *
 * @returns false when all labels were there already
 * @throws Failure when conflicts do not end, besides what the client throws
 */
export async function addTags(
  sentinel: SentinelClient,
  ref: IncidentRef,
  tags: readonly string[],
  clock: Clock,
  signal: AbortSignal,
): Promise<boolean> {
  for (let conflicts = 0; conflicts < maxConflicts; conflicts++) {
    signal.throwIfAborted()
    const incident = await sentinel.getIncident(ref, signal)
    const missing = tags.filter((tag) => !hasTag(incident, tag))
    if (missing.length === 0) return false
    if (!incident.etag) {
      throw new Failure(
        'Sentinel answered an incident without an etag, so it cannot be tagged without risk to edits.',
        {
          kind: 'unexpected',
          dependency: 'sentinel',
          code: 'NoEtag',
        },
      )
    }
    if ((await sentinel.putIncident(ref, withTags(incident, missing), signal)) === 'written') return true
    await clock.sleep(Math.random() * Math.min(1000, 20 * 2 ** conflicts), signal)
  }
  throw new Failure(
    `The incident changed ${maxConflicts} times while its tag was written; the worker tries again later.`,
    {
      kind: 'unexpected',
      dependency: 'sentinel',
      code: 'Conflict',
    },
  )
}
