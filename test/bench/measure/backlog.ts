import { type Stack, startStack } from '../../../deploy/local/start-stack.ts'
import { addIncidents } from '../../harness/incidents.ts'
import { startCandidate } from '../candidate.ts'
import { Completions } from '../completions.ts'
import { judge, type Measure } from '../section.ts'
import { sendIncidents, sendThrough } from '../send-incidents.ts'
import { median, number, percent, spread } from '../statistics.ts'

const short = 100
const long = 100_000

/** Throughput of one worker with a hundred messages waiting, and with a hundred thousand. */
export const measureBacklog: Measure = async ({ quick, say }) => {
  const rounds = quick ? 1 : 2
  const [warmUp, count] = quick ? [100, 200] : [100, 250]
  const stack = await startStack({
    sentinelThrottle: false,
    queue: { duplicateDetectionWindowMs: 0 },
    moreQueues: ['long'],
    model: { keepJournal: 100 },
  })
  const found = { short: [] as number[], long: [] as number[] }
  try {
    // The queue is first in, first out: only those at its head are ever taken, so the others need no incident.
    const head = addIncidents(stack, rounds * (warmUp + count) + 200).map(({ armId }) => armId)
    const rest = Array.from({ length: long - head.length }, (_, index) => head[index % head.length] ?? '')
    await sendThrough(stack, 'long', [...head, ...rest])
    for (let round = 1; round <= rounds; round++) {
      found.short.push(await oneRound(stack, 'incidents', warmUp, count))
      found.long.push(await oneRound(stack, 'long', warmUp, count))
      say(`backlog, round ${round}: ${number(found.short.at(-1) ?? 0)}/s and ${number(found.long.at(-1) ?? 0)}/s`)
    }
  } finally {
    await stack.close()
  }
  const ratio = median(found.long) / median(found.short)
  return {
    title: 'Backlog',
    columns: ['messages waiting', 'incidents per second'],
    rows: [
      [number(short), spread(found.short)],
      [number(long), spread(found.long)],
    ],
    goals: [
      judge(
        'the same throughput (within 10 %) with 100 and with 100,000 messages waiting',
        Math.abs(ratio - 1),
        0.1,
        (one) => percent(one),
      ),
    ],
    notes: [
      `One worker, zero latency, ${rounds} rounds of ${count} incidents each after ${warmUp} of warm-up. The short queue is filled up to about ${short} again while it is worked on.`,
    ],
  }
}

async function oneRound(stack: Stack, queue: string, warmUp: number, count: number): Promise<number> {
  const completions = new Completions(stack, queue)
  const total = warmUp + count
  let sent = 0
  const topUp = async () => {
    if (queue === 'long') return
    await sendIncidents(stack, queue, short)
    for (sent = short; sent < total + short; sent += short) {
      await completions.reached(sent - short / 2)
      await sendIncidents(stack, queue, short)
    }
  }
  const filled = topUp()
  const worker = startCandidate('worker', { ...stack.environment, SERVICEBUS_QUEUE: queue, CONCURRENCY: '16' })
  try {
    await completions.reached(total)
    const seconds = ((completions.at[total - 1] ?? 0) - (completions.at[warmUp - 1] ?? 0)) / 1000
    await filled
    // What is left of the short queue would be the next round's head start.
    if (queue !== 'long') await completions.reached(sent)
    return count / seconds
  } finally {
    completions.close()
    await worker.stop()
  }
}
