import { estimateCostUsd } from '../../budget/prices.ts'
import { loadPlaybook } from '../../playbooks/load-playbook.ts'
import type { OperatorConfiguration } from '../operator-configuration.ts'
import { openRuns } from '../operator-parts.ts'

/** Looking at past runs may not hold up an operator for longer. */
const patienceMs = 5_000

export interface ExpectedCost {
  tokens: number
  /** Undefined where the model's price is not known. */
  usd: number | undefined
  /** The finished runs that the mean is made of. */
  runs: number
  model: string
}

/** What enriching `count` incidents is expected to cost, by the mean of past runs; else why that is not known. */
export async function expectedCost(
  configuration: OperatorConfiguration,
  count: number,
): Promise<ExpectedCost | string> {
  if (!configuration.knowsRuns) return 'the run record is not configured (AZURE_TABLES_URL)'
  try {
    const playbook = loadPlaybook(configuration.playbookFile)
    const runs = openRuns(configuration)
    try {
      const past = await runs.pastRuns(playbook.name, AbortSignal.timeout(patienceMs))
      if (past.runs === 0) return `no run of ${playbook.name} has finished yet`
      const model = configuration.model.model ?? playbook.model
      const usd = estimateCostUsd(model, past.meanPromptTokens * count, past.meanCompletionTokens * count)
      return { tokens: Math.round(past.meanTokens * count), usd, runs: past.runs, model }
    } finally {
      await runs.close()
    }
  } catch {
    return 'the run record cannot be read (it takes Storage Table Data Reader)'
  }
}

export function sayCost(cost: ExpectedCost | string): string {
  if (typeof cost === 'string') return `What it will cost is not known: ${cost}.`
  const money = cost.usd === undefined ? '' : `, about $${cost.usd < 10 ? cost.usd.toFixed(2) : Math.round(cost.usd)}`
  const runs = cost.runs === 1 ? '1 past run' : `${cost.runs} past runs`
  return `By the mean of ${runs} that takes about ${tokens(cost.tokens)} tokens of ${cost.model}${money}.`
}

function tokens(count: number): string {
  if (count >= 1_000_000) return `${(count / 1_000_000).toFixed(1)} million`
  return count >= 10_000 ? `${Math.round(count / 1_000)} thousand` : String(count)
}
