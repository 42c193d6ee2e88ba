import { setTimeout as sleep } from 'node:timers/promises'
import { startStack } from '../../../deploy/local/start-stack.ts'
import { type CandidateName, startCandidate } from '../candidate.ts'
import { Completions } from '../completions.ts'
import { usageOf } from '../process-usage.ts'
import { judge, type Measure } from '../section.ts'
import { assertDone, sendIncidents } from '../send-incidents.ts'
import { median, number, spread } from '../statistics.ts'

const candidates: CandidateName[] = ['worker', 'worker, no record', 'script', 'floor']

interface Work {
  cpuMs: number
  peakMb: number
  perSecond: number
  count: number
}

/** A round on a busy machine ends here, with what was done by then. */
const longestMs = 40_000

/** CPU of each candidate's own process per incident, once it is warm, with nothing taking any time. */
export const measureWork: Measure = async ({ quick, say }) => {
  const rounds = quick ? 1 : 2
  const [warmUp, most] = quick ? [200, 400] : [400, 2_000]
  const found = new Map<CandidateName, Work[]>(candidates.map((name) => [name, []]))
  for (let round = 1; round <= rounds; round++) {
    for (const name of candidates) {
      // What the record costs is no goal: once will do.
      if (name === 'worker, no record' && round > 1) continue
      const work = await oneRound(name, warmUp, most)
      found.get(name)?.push(work)
      say(
        `work, round ${round}: ${name} ${number(work.cpuMs, 2)} ms CPU per incident, ${number(work.peakMb)} MB, ${number(work.perSecond)}/s`,
      )
    }
  }
  const of = (name: CandidateName, member: keyof Work) => (found.get(name) ?? []).map((one) => one[member])
  const cpu = (name: CandidateName) => median(of(name, 'cpuMs'))
  return {
    title: 'Work per incident',
    columns: ['', 'CPU ms per incident', 'of the floor', 'peak memory MB', 'incidents per second', 'incidents a round'],
    rows: candidates.map((name) => [
      name,
      spread(of(name, 'cpuMs'), 2),
      (cpu(name) / cpu('floor')).toFixed(2),
      spread(of(name, 'peakMb')),
      spread(of(name, 'perSecond')),
      spread(of(name, 'count')),
    ]),
    goals: [
      judge(
        "no more CPU per incident than the script's",
        cpu('worker') / cpu('script'),
        1,
        (one) => `${one.toFixed(2)} times`,
      ),
    ],
    notes: [
      `Zero latency, 16 incidents in flight, ${rounds} rounds of up to ${number(most)} incidents or ${longestMs / 1000} s each after ${number(warmUp)} of warm-up; the kernel's count of the process's own user and system time, its start excluded.`,
      'The worker is the bundle, with its run record in tables (STATE_STORE=table): what it does for durability is counted; without it (STATE_STORE=memory) it shows what that costs. The script has none. The floor makes the same calls to Sentinel and the model with undici alone, and receives and accepts its messages with plain AMQP; it has no table calls.',
      'Incidents per second are bound by the simulators, which share the two cores: they say how long the round took, not how fast a candidate could be.',
    ],
  }
}

async function oneRound(name: CandidateName, warmUp: number, most: number): Promise<Work> {
  const stack = await startStack({ sentinelThrottle: false, model: { keepJournal: 100 } })
  const completions = new Completions(stack, 'incidents')
  const incidents = await sendIncidents(stack, 'incidents', warmUp + most)
  const candidate = startCandidate(name, { ...stack.environment, CONCURRENCY: '16' })
  const pid = candidate.child.pid ?? 0
  try {
    await completions.reached(warmUp)
    const before = usageOf(pid)
    await Promise.race([completions.reached(warmUp + most), sleep(longestMs)])
    const after = usageOf(pid)
    const count = completions.at.length - warmUp
    assertDone(stack, incidents, warmUp + count)
    const seconds = ((completions.at[warmUp + count - 1] ?? 0) - (completions.at[warmUp - 1] ?? 0)) / 1000
    return { cpuMs: (after.cpuMs - before.cpuMs) / count, peakMb: after.peakMb, perSecond: count / seconds, count }
  } finally {
    completions.close()
    await candidate.stop('SIGKILL')
    await stack.close()
  }
}
