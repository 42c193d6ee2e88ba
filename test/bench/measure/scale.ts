import { startStack } from '../../../deploy/local/start-stack.ts'
import { startCandidate } from '../candidate.ts'
import { Completions } from '../completions.ts'
import { usageOf } from '../process-usage.ts'
import { judge, type Measure } from '../section.ts'
import { sendIncidents } from '../send-incidents.ts'
import { median, number, percent, spread } from '../statistics.ts'

const modelMs = 800
const armMs = 40
const criticalMs = armMs + 2 * modelMs + 3 * armMs + 2 * armMs
const concurrency = 16
const sizes = [1, 2, 4]

interface Scaled {
  perSecond: number
  ideal: number
  /** Cores that the workers, and this process with the simulators, kept busy. */
  workerCores: number
  stackCores: number
}

/** Throughput of one, two and four workers, beside their slots over the critical path. */
export const measureScale: Measure = async ({ quick, say }) => {
  const rounds = quick ? 1 : 2
  const cycles = quick ? 3 : 4
  const found = new Map<number, Scaled[]>(sizes.map((size) => [size, []]))
  for (let round = 1; round <= rounds; round++) {
    for (const size of sizes) {
      const scaled = await oneRound(size, cycles)
      found.get(size)?.push(scaled)
      say(`scale, round ${round}: ${size} worker(s) ${number(scaled.perSecond, 1)}/s of ${number(scaled.ideal, 1)}/s`)
    }
  }
  const of = (size: number, member: keyof Scaled) => (found.get(size) ?? []).map((one) => one[member])
  const share = (size: number) => median(of(size, 'perSecond')) / median(of(size, 'ideal'))
  const factor = median(of(4, 'perSecond')) / median(of(1, 'perSecond'))
  return {
    title: 'Scale',
    columns: ['workers', 'incidents per second', 'ideal', 'of the ideal', 'cores: workers', 'cores: simulators'],
    rows: sizes.map((size) => [
      String(size),
      spread(of(size, 'perSecond'), 1),
      number(median(of(size, 'ideal')), 1),
      percent(share(size)),
      spread(of(size, 'workerCores'), 2),
      spread(of(size, 'stackCores'), 2),
    ]),
    goals: [
      judge('four workers do at least 3.6 times the work of one', factor, 3.6, (one) => one.toFixed(2), 'at least'),
    ],
    notes: [
      `Model ${modelMs} ms, ARM ${armMs} ms, ${concurrency} slots per worker; the ideal is all slots over the critical path of ${number(criticalMs)} ms. ${rounds} rounds, ${cycles} times all slots each, after the first time. The issue gives no number for this; the goal here is this bench's own.`,
      'Simulators: the broker, Sentinel and the model in one process; Azurite has another, which is not counted.',
    ],
  }
}

async function oneRound(size: number, cycles: number): Promise<Scaled> {
  const stack = await startStack({
    sentinelThrottle: false,
    sentinelLatencyMs: armMs,
    model: { latencyMs: modelMs, keepJournal: 100 },
  })
  const completions = new Completions(stack, 'incidents')
  const slots = size * concurrency
  const workers = Array.from({ length: size }, () =>
    startCandidate('worker', { ...stack.environment, CONCURRENCY: String(concurrency) }),
  )
  try {
    await Promise.all(workers.map((worker) => worker.line(({ event }) => event === 'worker.started')))
    await sendIncidents(stack, 'incidents', slots * (cycles + 2))
    await completions.reached(slots)
    const usage = () => ({
      workers: workers.reduce((sum, { child }) => sum + usageOf(child.pid ?? 0).cpuMs, 0),
      stack: usageOf(process.pid).cpuMs,
    })
    const before = usage()
    await completions.reached(slots * (cycles + 1))
    const after = usage()
    const ms = (completions.at[slots * (cycles + 1) - 1] ?? 0) - (completions.at[slots - 1] ?? 0)
    return {
      perSecond: (slots * cycles * 1000) / ms,
      ideal: (slots * 1000) / criticalMs,
      workerCores: (after.workers - before.workers) / ms,
      stackCores: (after.stack - before.stack) / ms,
    }
  } finally {
    completions.close()
    await Promise.all(workers.map((worker) => worker.stop('SIGKILL')))
    await stack.close()
  }
}
