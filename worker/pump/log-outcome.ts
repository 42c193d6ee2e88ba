import { workspaceArmId } from '../../shared/arm-id.ts'
import type { Log, LogEvent } from '../../shared/log.ts'
import { estimateCostUsd } from '../budget/prices.ts'
import type { Enrichment } from '../enrich-incident.ts'
import type { Delivery } from './delivery.ts'

/** The one line per message: what became of it, how long it took, and what it used. Never its text. */
export function logOutcome(log: Log, delivery: Delivery, enrichment: Enrichment, now: number): void {
  const { result, incident, used, model, written, attacks } = enrichment
  const costUsd = estimateCostUsd(model, used.promptTokens, used.completionTokens, used.cachedTokens)
  const event: LogEvent = `incident.${result.outcome}`
  const line = {
    event,
    incident: incident?.incident,
    workspace: incident && workspaceArmId(incident),
    messageId: delivery.messageId,
    attempt: delivery.attempt,
    ms: now - delivery.receivedAtMs,
    ...(used.calls > 0
      ? { ...used, model, ...(costUsd === undefined ? {} : { costUsd: Number(costUsd.toFixed(6)) }) }
      : {}),
    ...(result.outcome === 'enriched' ? { written } : {}),
    ...(attacks.length > 0 ? { attacks } : {}),
  }
  switch (result.outcome) {
    case 'enriched':
      log.info(line, 'incident enriched')
      return
    case 'skipped':
      log.info({ ...line, why: result.why }, `incident skipped: ${result.why}`)
      return
    case 'deferred':
      log.warn(
        { ...line, ...failureOf(result.failure), delayMs: result.delayMs, nextAttempt: result.attempt },
        `incident deferred: ${result.failure.message}`,
      )
      if (result.failure.kind === 'budget-spent') {
        log.warn({ event: 'budget.exhausted', ...failureOf(result.failure) }, result.failure.message)
      }
      break
    case 'released':
      log.warn({ ...line, ...failureOf(result.failure) }, `incident released: ${result.failure.message}`)
      break
    case 'dead-lettered':
      log.error(
        { ...line, ...failureOf(result.failure), reason: result.reason },
        `incident dead-lettered: ${result.failure.message}`,
      )
      break
  }
  if (result.failure.cause !== undefined)
    log.debug({ err: result.failure, messageId: delivery.messageId }, 'what failed')
  if (result.failure.dependency === 'worker' && result.failure.kind === 'unexpected') {
    log.error({ err: result.failure.cause ?? result.failure, messageId: delivery.messageId }, 'an unexpected error')
  }
}

function failureOf(failure: { dependency: string; code: string }) {
  return { dependency: failure.dependency, code: failure.code }
}
