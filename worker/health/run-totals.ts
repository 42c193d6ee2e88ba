import { workspaceArmId } from '../../shared/arm-id.ts'
import type { DeadLetterReason } from '../../shared/failure.ts'
import type { Enrichment } from '../enrich-incident.ts'
import { DaySpend, type Spend, Sum } from './day-spend.ts'

/** What this process did since its start, as the operator's page shows it. */
export class RunTotals {
  readonly #sum = new Sum()
  readonly #today = new DaySpend()
  readonly #deadLetters: Partial<Record<DeadLetterReason, number>> = {}
  #written = 0
  #attacked = 0
  #lastEnrichedAt: string | undefined

  add({ result, incident, model, used, written, attacks }: Enrichment, now: number): void {
    if (incident && used.calls > 0) {
      this.#sum.add(model, used)
      this.#today.add(workspaceArmId(incident), model, used, now)
    }
    this.#written += written
    if (attacks.length > 0) this.#attacked++
    if (result.outcome === 'enriched') this.#lastEnrichedAt = new Date(now).toISOString()
    if (result.outcome === 'dead-lettered') {
      this.#deadLetters[result.reason] = (this.#deadLetters[result.reason] ?? 0) + 1
    }
  }

  report(now: number): RunReport {
    return {
      ...this.#sum.spend,
      today: this.#today.report(now),
      written: this.#written,
      attacked: this.#attacked,
      deadLetters: { ...this.#deadLetters },
      ...(this.#lastEnrichedAt === undefined ? {} : { lastEnrichedAt: this.#lastEnrichedAt }),
    }
  }
}

export interface RunReport extends Spend {
  /** Of the UTC day. */
  today: ReturnType<DaySpend['report']>
  /** Tasks and comments written. */
  written: number
  /** Incidents in which an attack on the model was noticed. */
  attacked: number
  deadLetters: Partial<Record<DeadLetterReason, number>>
  /** ISO time; absent before the first. */
  lastEnrichedAt?: string
}
