import { fileURLToPath } from 'node:url'
import { type Stack, startStack } from '../../../deploy/local/start-stack.ts'
import { WorkerProcess } from '../../harness/worker-process.ts'
import { startCandidate } from '../candidate.ts'
import { Completions } from '../completions.ts'
import { usageOf } from '../process-usage.ts'
import { judge, type Measure } from '../section.ts'
import { sendIncidents } from '../send-incidents.ts'
import { median, percent, spread } from '../statistics.ts'

const source = [fileURLToPath(new URL('../../../worker/main.ts', import.meta.url))]
const forms = ['bundled', 'from source'] as const
type Form = (typeof forms)[number]

interface Start {
  ms: number
  cpuMs: number
  peakMb: number
}

/** From the start of the process until the broker hands it its first message. */
export const measureStart: Measure = async ({ quick, say }) => {
  const rounds = quick ? 2 : 7
  const stack = await startStack({ sentinelThrottle: false, model: { latencyMs: 60_000 } })
  const found: Record<Form, Start[]> = { bundled: [], 'from source': [] }
  const entries: Record<Form, string[]> = { bundled: WorkerProcess.entry, 'from source': source }
  try {
    for (let round = 0; round <= rounds; round++) {
      for (const form of forms) {
        WorkerProcess.entry = entries[form]
        const start = await oneStart(stack)
        // The first of each fills the kernel's cache of files.
        if (round > 0) found[form].push(start)
      }
    }
  } finally {
    WorkerProcess.entry = entries.bundled
    await stack.close()
  }
  const of = (form: Form, member: keyof Start) => found[form].map((one) => one[member])
  for (const form of forms) say(`start: ${form} ${spread(of(form, 'ms'))} ms`)
  const ratio = median(of('bundled', 'ms')) / median(of('from source', 'ms'))
  return {
    title: 'Start',
    columns: ['', 'ms to the first message', 'CPU ms', 'peak memory MB'],
    rows: forms.map((form) => [form, spread(of(form, 'ms')), spread(of(form, 'cpuMs')), spread(of(form, 'peakMb'))]),
    goals: [judge('bundled under a quarter of unbundled', ratio, 0.25, percent)],
    notes: [
      `From the start of the process until the broker hands it a message that waits; ${rounds} rounds, the two in turn, after one that is not counted.`,
    ],
  }
}

async function oneStart(stack: Stack): Promise<Start> {
  await sendIncidents(stack, 'incidents', 1)
  const completions = new Completions(stack, 'incidents')
  const delivered = new Promise<void>((resolve) => stack.broker.events.once('delivered', () => resolve()))
  const startedAt = performance.now()
  const worker = startCandidate('worker', stack.environment)
  try {
    await delivered
    const ms = performance.now() - startedAt
    return { ms, ...usageOf(worker.child.pid ?? 0) }
  } finally {
    completions.close()
    await worker.stop('SIGKILL')
  }
}
