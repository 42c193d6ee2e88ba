import type { DeadLetterReason } from '../../shared/failure.ts'
import type { Enrichment } from '../enrich-incident.ts'

/** What this process did since its start, as the operator's page shows it. */
export class RunTotals {
  calls = 0
  promptTokens = 0
  completionTokens = 0
  cachedTokens = 0
  /** Tasks and comments written. */
  written = 0
  /** Incidents in which an attack on the model was noticed. */
  attacked = 0
  readonly deadLetters: Partial<Record<DeadLetterReason, number>> = {}
  /** ISO time; undefined before the first. */
  lastEnrichedAt: string | undefined

  add({ result, used, written, attacks }: Enrichment, now: number): void {
    this.calls += used.calls
    this.promptTokens += used.promptTokens
    this.completionTokens += used.completionTokens
    this.cachedTokens += used.cachedTokens
    this.written += written
    if (attacks.length > 0) this.attacked++
    if (result.outcome === 'enriched') this.lastEnrichedAt = new Date(now).toISOString()
    if (result.outcome === 'dead-lettered') {
      this.deadLetters[result.reason] = (this.deadLetters[result.reason] ?? 0) + 1
    }
  }
}
