import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { type Stack, startStack } from '../../../deploy/local/start-stack.ts'
import { incidentArmId } from '../../harness/dead-letters.ts'
import { WorkerOutput } from '../../harness/worker-process.ts'
import { Completions } from '../completions.ts'
import type { Measure } from '../section.ts'
import { sendThrough } from '../send-incidents.ts'
import { number, spread } from '../statistics.ts'

const ways = ['sdk', 'amqp'] as const
type Way = (typeof ways)[number]
const program = fileURLToPath(new URL('../peers/drain-queue.ts', import.meta.url))

/** Messages per second through the embedded broker, so that it is never taken for the worker's limit. */
export const measureBroker: Measure = async ({ quick, say }) => {
  const rounds = quick ? 1 : 3
  const count = quick ? 2_000 : 10_000
  const stack = await startStack({ queue: { duplicateDetectionWindowMs: 0 } })
  const sent: number[] = []
  const taken: Record<Way, number[]> = { sdk: [], amqp: [] }
  try {
    const bodies = Array.from({ length: count }, (_, index) => incidentArmId(index))
    for (let round = 1; round <= rounds; round++) {
      for (const way of ways) {
        const startedAt = performance.now()
        await sendThrough(stack, 'incidents', bodies)
        sent.push((count * 1000) / (performance.now() - startedAt))
        taken[way].push(await drain(stack, way, count))
      }
    }
  } finally {
    await stack.close()
  }
  say(`broker: ${spread(taken.sdk)}/s through the SDK, ${spread(taken.amqp)}/s through plain AMQP`)
  return {
    title: 'The embedded broker',
    columns: ['', 'messages per second'],
    rows: [
      ['sent in batches with the SDK', spread(sent)],
      ['received and completed with the SDK', spread(taken.sdk)],
      ['received and accepted with plain AMQP', spread(taken.amqp)],
    ],
    goals: [],
    notes: [
      `${number(count)} messages of an incident's id, ${rounds} rounds, one client process with 500 credits; from its 500th message on.`,
    ],
  }
}

async function drain(stack: Stack, way: Way, count: number): Promise<number> {
  const completions = new Completions(stack, 'incidents')
  const { SERVICEBUS_CONNECTION_STRING = '', SERVICEBUS_QUEUE = '' } = stack.environment
  const client = new WorkerOutput(
    spawn(process.execPath, [program, way], { env: { SERVICEBUS_CONNECTION_STRING, SERVICEBUS_QUEUE } }),
  )
  try {
    await completions.reached(count)
    const first = 499
    return ((count - 1 - first) * 1000) / ((completions.at[count - 1] ?? 0) - (completions.at[first] ?? 0))
  } finally {
    completions.close()
    await client.stop('SIGKILL')
  }
}
