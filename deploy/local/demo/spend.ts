import type { SettledLine } from './report.ts'

interface Spend {
  incidents: number
  tokens: number
  /** Undefined when the price of one line's model is not known. */
  costUsd: number | undefined
}

/** What the workers' log lines say was spent: a line for each UTC day and workspace, and the sum with what it is. */
export function spendLines(lines: readonly SettledLine[], ownModel: boolean): string[] {
  const paid = lines.filter((line) => (line.calls ?? 0) > 0)
  const groups = Map.groupBy(paid, ({ time = 0, workspace = '' }) => {
    const day = new Date(time).toISOString().slice(0, 10)
    const name = workspace.toLowerCase().split('/').at(-1) ?? ''
    return `${day} (UTC)  ${name.padEnd(20)}`
  })
  const rows = [...groups].map(([group, own]) => {
    const spend = sum(own)
    return `${group} ${spend.incidents} incidents, ${spend.tokens} tokens, ${priced(spend)}`
  })
  return [...rows.sort(), total(sum(paid), paid[0]?.model ?? 'the model', ownModel)]
}

function total(all: Spend, model: string, ownModel: boolean): string {
  const free = ownModel ? '' : 'free: the demo model answered. '
  if (all.costUsd === undefined) return `${free}the list price of ${model} is not known`
  return ownModel
    ? `${priced(all)} at the list price of ${model}, all workspaces together`
    : `${free}${model} would cost ${priced(all)} at list price, all workspaces together`
}

function sum(lines: readonly SettledLine[]): Spend {
  const add = (value: (line: SettledLine) => number) => lines.reduce((total, line) => total + value(line), 0)
  return {
    incidents: new Set(lines.map((line) => line.incident)).size,
    tokens: add((line) => (line.promptTokens ?? 0) + (line.completionTokens ?? 0)),
    costUsd: lines.some((line) => line.costUsd === undefined) ? undefined : add((line) => line.costUsd ?? 0),
  }
}

function priced({ costUsd }: Spend): string {
  return costUsd === undefined ? 'price not known' : `about ${costUsd.toFixed(4)} USD`
}
