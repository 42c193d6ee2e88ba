import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { startStack } from '../../../deploy/local/start-stack.ts'
import { WorkerProcess } from '../../harness/worker-process.ts'
import { startCandidate } from '../candidate.ts'
import { Completions } from '../completions.ts'
import { type CpuProfile, timeByOwner } from '../read-profile.ts'
import type { Measure } from '../section.ts'
import { sendIncidents } from '../send-incidents.ts'
import { number, percent } from '../statistics.ts'

const source = fileURLToPath(new URL('../../../worker/main.ts', import.meta.url))
const shown = 16

/** What the worker's time goes to: `--cpu-prof` over the work of `work`, from source, where each function has its file. */
export const measureProfile: Measure = async ({ quick, say }) => {
  const [warmUp, count] = quick ? [200, 300] : [300, 600]
  const folder = mkdtempSync(join(tmpdir(), 'enricher-profile-'))
  try {
    const { fromUs } = await runProfiled(folder, warmUp, count)
    const [file = ''] = readdirSync(folder)
    const shares = timeByOwner(JSON.parse(readFileSync(join(folder, file), 'utf8')) as CpuProfile, fromUs)
    const total = shares.reduce((sum, { ms }) => sum + ms, 0)
    say(`profile: ${number(total / count, 2)} ms of samples per incident`)
    return {
      title: 'What the time goes to',
      columns: ['owner of the running function', 'ms per incident', 'share'],
      rows: shares.slice(0, shown).map(({ name, ms }) => [name, number(ms / count, 2), percent(ms / total)]),
      goals: [],
      notes: [
        `--cpu-prof over ${number(count)} incidents after ${number(warmUp)} of warm-up, from source; samples of the main thread that were not idle. The profiler itself costs time: read the shares, not the sums.`,
      ],
    }
  } finally {
    rmSync(folder, { recursive: true })
  }
}

/** @returns when the warm-up was over, on the profile's clock */
async function runProfiled(folder: string, warmUp: number, count: number): Promise<{ fromUs: number }> {
  const stack = await startStack({ sentinelThrottle: false, model: { keepJournal: 100 } })
  const completions = new Completions(stack, 'incidents')
  const { entry } = WorkerProcess
  WorkerProcess.entry = ['--cpu-prof', '--cpu-prof-dir', folder, source]
  try {
    await sendIncidents(stack, 'incidents', warmUp + count)
    const worker = startCandidate('worker', { ...stack.environment, CONCURRENCY: '16' })
    await completions.reached(warmUp)
    const fromUs = Number(process.hrtime.bigint() / 1000n)
    await completions.reached(warmUp + count)
    await worker.stop()
    return { fromUs }
  } finally {
    WorkerProcess.entry = entry
    completions.close()
    await stack.close()
  }
}
