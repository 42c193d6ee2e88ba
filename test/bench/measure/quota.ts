import { setTimeout as sleep } from 'node:timers/promises'
import { startModel } from '../../../deploy/local/model/server.ts'
import { type Stack, startStack } from '../../../deploy/local/start-stack.ts'
import { startTables } from '../../../deploy/local/tables/tables.ts'
import type { WorkerOutput } from '../../harness/worker-process.ts'
import { startCandidate } from '../candidate.ts'
import { Completions } from '../completions.ts'
import { type Goal, judge, type Measure } from '../section.ts'
import { sendIncidents } from '../send-incidents.ts'
import { percent } from '../statistics.ts'

const tokensPerMinute = 300_000
const fleet = 4
const modelMs = 800
/** Until the bursts are used up, and late compilation is over. */
const settlingMs = 20_000
/** What 300,000 tokens are enough for, twice over. */
const incidentsPerMinute = 140

type Pacing = 'ledger' | 'p-retry alone' | 'static split'
type Limiter = 'fixed-minute' | 'bucket'

/** A fleet with a model deployment of its own: how it keeps to the limit, and how many of its workers have work. */
interface Variant {
  pacing: Pacing
  busy: number
  limiter: Limiter
}

const variants: Variant[] = [
  ...(['ledger', 'p-retry alone', 'static split'] as const).flatMap((pacing) =>
    [1, 2, 4].map((busy) => ({ pacing, busy, limiter: 'fixed-minute' as const })),
  ),
  { pacing: 'ledger', busy: 4, limiter: 'bucket' },
]

interface Counts {
  at: number
  admittedTokens: number
  requests: number
  refused: number
}

/**
 * How much of a limit a fleet of four uses, and how many of its calls are refused. The fleets run side by side in the same
 * minutes, each with its own queue, model and ledger: they wait nearly all the time.
 */
export const measureQuota: Measure = async ({ quotaMinutes, say }) => {
  const stack = await startStack({
    sentinelThrottle: false,
    moreQueues: variants.map(queueOf),
    queue: { maxDeliveryCount: 1_000 },
  })
  const closing: (() => Promise<unknown>)[] = []
  const rows: string[][] = []
  const goals: Goal[] = []
  try {
    const fleets = await Promise.all(
      variants.map(async (variant) => {
        const model = await startModel({
          latencyMs: modelMs,
          tokensPerMinute,
          limiter: variant.limiter,
          keepJournal: 100,
        })
        closing.push(() => model.close())
        const tables = variant.pacing === 'ledger' ? await startTables() : stack.tables
        if (tables !== stack.tables) closing.push(() => tables.close())
        await sendIncidents(stack, queueOf(variant), incidentsPerMinute * (quotaMinutes + 1))
        const environment = {
          ...stack.environment,
          ...environmentOf(variant),
          SERVICEBUS_QUEUE: queueOf(variant),
          OPENAI_BASE_URL: model.openaiBaseUrl,
          AZURE_TABLES_CONNECTION_STRING: tables.connectionString,
        }
        return { variant, model, environment }
      }),
    )
    const processes: WorkerOutput[] = []
    closing.push(() => Promise.all(processes.map((one) => one.stop('SIGKILL'))))
    const started = fleets.map(({ variant }) => firstCompletion(stack, queueOf(variant)))
    for (const { variant, environment } of fleets) {
      const name = variant.pacing === 'p-retry alone' ? 'script' : 'worker'
      for (let index = 0; index < variant.busy; index++) processes.push(startCandidate(name, environment))
      // A fleet at a time: all starts at once would hold each other up for a minute.
      await sleep(1_000 * variant.busy)
    }
    await Promise.all(started)
    await sleep(settlingMs)
    const countsOf = (): Counts[] =>
      fleets.map(({ model: { totals } }) => ({
        at: performance.now(),
        admittedTokens: totals.admittedTokens,
        requests: totals.requests,
        refused: totals.refused,
      }))
    const before = countsOf()
    say(`quota: ${fleets.length} fleets of ${fleet} run; counting for ${quotaMinutes} min`)
    await sleep(quotaMinutes * 60_000)
    const after = countsOf()
    for (const [index, { variant }] of fleets.entries()) {
      const { active, scheduled } = stack.broker.inspect(queueOf(variant))
      if (active.length + scheduled.length === 0) throw new Error(`${queueOf(variant)} ran out of demand`)
      const found = sharesOf(before[index], after[index])
      const label = `${variant.pacing}, ${variant.busy} of ${fleet} busy, ${variant.limiter}`
      say(`quota: ${label}: ${percent(found.used)} used, ${percent(found.refused, 2)} refused`)
      rows.push([variant.pacing, String(variant.busy), variant.limiter, percent(found.used), percent(found.refused, 2)])
      if (variant.pacing !== 'ledger') continue
      goals.push(
        judge(
          `quota, ${variant.busy} busy, ${variant.limiter}: at least 94 % used`,
          found.used,
          0.94,
          percent,
          'at least',
        ),
        judge(`quota, ${variant.busy} busy, ${variant.limiter}: at most 0.5 % refused`, found.refused, 0.005, (one) =>
          percent(one, 2),
        ),
      )
    }
    return {
      title: `Quota of ${tokensPerMinute.toLocaleString('en-US')} tokens per minute`,
      columns: ['pacing', `busy of ${fleet}`, "provider's limiter", 'limit used', 'calls refused'],
      rows,
      goals,
      notes: [
        `Counted by the simulator at admission (prompt and cap, as providers do) over ${quotaMinutes} min in steady state, ${settlingMs / 1000} s after the last fleet's first incident; model ${modelMs} ms, demand always waiting. All fleets ran in the same minutes, each with a queue, a model deployment and (ledger) a table account of its own. Workers that are not busy are not started: an idle worker asks for nothing.`,
        'Ledger: the worker with TOKENS_PER_MINUTE, in tables. Static split: the same worker with a quarter of the limit and a ledger in its memory. p-retry alone: the script, which waits as long as a 429 asks for and then backs off.',
      ],
    }
  } finally {
    for (const close of closing.reverse()) await close()
    await stack.close()
  }
}

async function firstCompletion(stack: Stack, queue: string): Promise<void> {
  const completions = new Completions(stack, queue)
  await completions.reached(1)
  completions.close()
}

function queueOf({ pacing, busy, limiter }: Variant): string {
  return `${pacing} ${busy} ${limiter}`.replaceAll(' ', '-')
}

function environmentOf({ pacing }: Variant): Record<string, string> {
  if (pacing === 'ledger') return { TOKENS_PER_MINUTE: String(tokensPerMinute) }
  if (pacing === 'static split') return { STATE_STORE: 'memory', TOKENS_PER_MINUTE: String(tokensPerMinute / fleet) }
  return {}
}

function sharesOf(before: Counts | undefined, after: Counts | undefined): { used: number; refused: number } {
  if (!before || !after) throw new Error('each fleet was counted twice')
  const minutes = (after.at - before.at) / 60_000
  return {
    used: (after.admittedTokens - before.admittedTokens) / (tokensPerMinute * minutes),
    refused: (after.refused - before.refused) / Math.max(1, after.requests - before.requests),
  }
}
