import { estimateCostUsd } from '../budget/prices.ts'

/** What an incident's calls used. */
export interface Usage {
  calls: number
  promptTokens: number
  completionTokens: number
  /** Of the prompt's. */
  cachedTokens: number
}

/** A sum of usage, with its cost at list prices where the model has one. */
export interface Spend extends Usage {
  /** US dollars; absent as soon as one call's price is not known: a sum that leaves calls out would be too low. */
  costUsd?: number
}

/** What one UTC day's incidents cost, all together and by workspace. Yesterday's is forgotten: it is in the log. */
export class DaySpend {
  #day = ''
  #all: Sum = new Sum()
  #byWorkspace = new Map<string, Sum>()

  /** @param workspace ARM id; two spellings are one workspace */
  add(workspace: string, model: string, usage: Usage, now: number): void {
    this.#turn(now)
    const key = workspace.toLowerCase()
    const sum = this.#byWorkspace.get(key) ?? new Sum()
    this.#byWorkspace.set(key, sum)
    for (const one of [sum, this.#all]) one.add(model, usage)
  }

  /** @returns the day as `2026-11-24`, its sum, and that of each workspace by ARM id in lower case */
  report(now: number): { day: string } & Spend & { workspaces: Record<string, Spend> } {
    this.#turn(now)
    return {
      day: this.#day,
      ...this.#all.spend,
      workspaces: Object.fromEntries([...this.#byWorkspace].map(([workspace, sum]) => [workspace, sum.spend])),
    }
  }

  #turn(now: number): void {
    const today = new Date(now).toISOString().slice(0, 10)
    if (today === this.#day) return
    this.#day = today
    this.#all = new Sum()
    this.#byWorkspace = new Map()
  }
}

/** Adds usage up. */
export class Sum {
  readonly #usage: Usage = { calls: 0, promptTokens: 0, completionTokens: 0, cachedTokens: 0 }
  /** Undefined from the first call on whose price is not known. */
  #costUsd: number | undefined = 0

  add(model: string, usage: Usage): void {
    this.#usage.calls += usage.calls
    this.#usage.promptTokens += usage.promptTokens
    this.#usage.completionTokens += usage.completionTokens
    this.#usage.cachedTokens += usage.cachedTokens
    const cost = estimateCostUsd(model, usage.promptTokens, usage.completionTokens, usage.cachedTokens)
    this.#costUsd = this.#costUsd === undefined || cost === undefined ? undefined : this.#costUsd + cost
  }

  get spend(): Spend {
    return { ...this.#usage, ...(this.#costUsd === undefined ? {} : { costUsd: Number(this.#costUsd.toFixed(6)) }) }
  }
}
