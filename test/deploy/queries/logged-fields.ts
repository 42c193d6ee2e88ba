import { readdirSync, readFileSync } from 'node:fs'
import { parseIncidentArmId } from '../../../shared/arm-id.ts'
import { Failure, hopeless } from '../../../shared/failure.ts'
import { createLog } from '../../../shared/log.ts'
import type { Outcome } from '../../../worker/enrich-incident.ts'
import type { Delivery } from '../../../worker/pump/delivery.ts'
import { logOutcome } from '../../../worker/pump/log-outcome.ts'

/**
 * The fields of every event's line. Incident lines are logged for this by the function that logs them; of the others the object
 * that is logged is read in the source.
 */
export function loggedFields(): Map<string, Set<string>> {
  const fields = new Map<string, Set<string>>()
  const add = (event: string, names: Iterable<string>) => {
    fields.set(event, new Set([...(fields.get(event) ?? []), ...names]))
  }
  for (const line of incidentLines()) add(String(line.event), Object.keys(line))
  const worker = new URL('../../../worker/', import.meta.url)
  for (const name of readdirSync(worker, { recursive: true, encoding: 'utf8' })) {
    if (!name.endsWith('.ts')) continue
    const text = readFileSync(new URL(name, worker), 'utf8')
    for (const [, event = '', rest = ''] of text.matchAll(/\bevent: '([a-z.-]+)'([^}]*)\}/g)) {
      add(event, ['event', ...[...rest.matchAll(/[,{]\s*(\w+)/g)].map((match) => match[1] ?? '')])
    }
  }
  return fields
}

function incidentLines(): Record<string, unknown>[] {
  const lines: Record<string, unknown>[] = []
  const log = createLog('trace', { write: (text: string) => void lines.push(JSON.parse(text)) })
  const incident = parseIncidentArmId(
    '/subscriptions/s/resourceGroups/g/providers/Microsoft.OperationalInsights/workspaces/w/providers/Microsoft.SecurityInsights/Incidents/i',
  )
  const delivery = { messageId: 'm', attempt: 0, receivedAtMs: 0 } as Delivery
  const failure = new Failure('The day is spent.', { kind: 'budget-spent', dependency: 'budget', code: 'Spent' })
  const outcomes: Outcome[] = [
    { outcome: 'enriched' },
    { outcome: 'skipped', why: 'tagged' },
    { outcome: 'deferred', delayMs: 1, attempt: 0, failure },
    { outcome: 'released', failure },
    {
      outcome: 'dead-lettered',
      reason: 'InvalidMessage',
      failure: hopeless('InvalidMessage', 'message', 'C', 'Text.'),
    },
  ]
  const used = { promptTokens: 1, completionTokens: 1, cachedTokens: 0, calls: 1 }
  for (const result of outcomes)
    logOutcome(log, delivery, { result, incident, used, model: 'gpt-4.1-mini', written: 0, attacks: [] }, 1)
  return lines
}
