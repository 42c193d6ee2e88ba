import { startStack } from '../../../deploy/local/start-stack.ts'
import { type CandidateName, startCandidate } from '../candidate.ts'
import { Completions } from '../completions.ts'
import { judge, type Measure } from '../section.ts'
import { assertDone, sendIncidents } from '../send-incidents.ts'
import { median, number, spread } from '../statistics.ts'

const modelMs = 800
const armMs = 40
/** Get, two model rounds, three task writes in order, get, put. */
const criticalMs = armMs + 2 * modelMs + 3 * armMs + 2 * armMs
const candidates: CandidateName[] = ['worker', 'floor', 'published order']
/** Together and without the model's latency, so that what is measured is a process that has run for a while. */
const warmUp = 64

/** One incident at a time, from its delivery to its completion, both seen by the broker. */
export const measureLatency: Measure = async ({ quick, say }) => {
  const rounds = quick ? 1 : 2
  const each = quick ? 3 : 6
  const byCandidate = new Map<CandidateName, number[]>(candidates.map((name) => [name, []]))
  for (let round = 1; round <= rounds; round++) {
    // Side by side, each with a stack of its own: all three wait nearly all the time, and share whatever noise there is.
    await Promise.all(
      candidates.map(async (name) => {
        const times = await oneRound(name, each)
        byCandidate.get(name)?.push(...times)
        say(`latency, round ${round}: ${name} ${spread(times)} ms`)
      }),
    )
  }
  const of = (name: CandidateName) => byCandidate.get(name) ?? []
  const middle = (name: CandidateName) => median(of(name))
  return {
    title: 'Latency of one incident at a time',
    columns: ['', 'ms, median (least–most)', 'of the critical path'],
    rows: [
      ['critical path', number(criticalMs), '1.000'],
      ...candidates.map((name) => [name, spread(of(name)), (middle(name) / criticalMs).toFixed(3)]),
    ],
    goals: [
      judge('latency at most 1.05 of the critical path', middle('worker') / criticalMs, 1.05, (one) => one.toFixed(3)),
      judge(
        "latency about half the published order's time (at most 0.6)",
        middle('worker') / middle('published order'),
        0.6,
        (one) => one.toFixed(2),
      ),
    ],
    notes: [
      `Model ${modelMs} ms, ARM ${armMs} ms, ${rounds} rounds of ${each} incidents each, after ${warmUp} incidents of warm-up; from the broker's delivery to the broker's completion, so that receiving and settling count too.`,
      'The worker keeps its record in tables (Azurite): its claim, reservations and checkpoints are inside the time. The published order was run: four completions one after the other.',
    ],
  }
}

async function oneRound(name: CandidateName, count: number): Promise<number[]> {
  let latencyMs = 0
  const stack = await startStack({
    sentinelThrottle: false,
    sentinelLatencyMs: armMs,
    model: { latencyMs: () => latencyMs, keepJournal: 100 },
  })
  const completions = new Completions(stack, 'incidents')
  const candidate = startCandidate(name, stack.environment)
  try {
    const done = [await sendIncidents(stack, 'incidents', warmUp)]
    await completions.reached(warmUp)
    latencyMs = modelMs
    for (let sent = 1; sent <= count; sent++) {
      done.push(await sendIncidents(stack, 'incidents', 1))
      await completions.reached(warmUp + sent)
    }
    assertDone(stack, done.flat())
    return completions.tookMs.slice(warmUp)
  } finally {
    completions.close()
    await candidate.stop('SIGKILL')
    await stack.close()
  }
}
