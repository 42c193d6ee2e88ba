import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { ServiceBusClient } from '@azure/service-bus'
import { type Stack, startStack } from '../../deploy/local/start-stack.ts'
import { useBundledWorker } from '../harness/bundled-worker.ts'
import { buryWorker } from '../harness/dead-worker.ts'
import { EffectWatch, effects } from '../harness/effects.ts'
import { addIncidents } from '../harness/incidents.ts'
import { seededRandom } from '../harness/seeded-random.ts'
import { assertEnrichedOnce, assertQueueEmpty, queueEmpty } from '../harness/verdict.ts'
import { WorkerProcess } from '../harness/worker-process.ts'

const seeds = [1, 2, 3]
const queueOf = (seed: number) => `seed-${seed}`

/**
 * Each seed has a queue and a chain of workers: one is killed at the effect, the next one finishes what it left, takes the
 * next incidents, and is killed at the next effect.
 */
describe('SIGKILL at every effect of a run', { timeout: 200_000, concurrency: seeds.length }, () => {
  let stack: Stack
  let client: ServiceBusClient

  before(async () => {
    await useBundledWorker()
    stack = await startStack({
      sentinelThrottle: false,
      moreQueues: seeds.map(queueOf),
      // Each request takes its own time, so the follow-ups' answers come in any order.
      model: { latencyMs: (request) => 5 + (request % 60) },
    })
    client = new ServiceBusClient(stack.broker.connectionString)
  })
  after(async () => {
    await client.close()
    await stack.close()
  })

  for (const seed of seeds) {
    describe(`seed ${seed}`, { concurrency: 1 }, () => {
      const queue = queueOf(seed)
      const random = seededRandom(seed)
      let worker: WorkerProcess
      const start = () => {
        worker = new WorkerProcess(
          { ...stack.environment, SERVICEBUS_QUEUE: queue, SENTINEL_WRITES_PER_SECOND: '500' },
          'run',
        )
      }
      before(start)
      after(() => worker.stop('SIGKILL'))

      for (const effect of effects) {
        it(`at '${effect}': every task and the tag once, no message lost, no answer paid for twice`, async (test) => {
          const incidents = addIncidents(stack, 1 + Math.floor(random() * 3))
          const victim = incidents[Math.floor(random() * incidents.length)]
          let killed = false
          const watch = new EffectWatch(stack, incidents, (incident, happened) => {
            // The next worker may come by the same effect.
            if (incident === victim && happened === effect && !killed) killed = worker.child.kill('SIGKILL')
          })
          test.after(() => watch.close())
          await client.createSender(queue).sendMessages(incidents.map(({ armId }) => ({ body: armId })))
          assert.equal(await worker.exited, null, 'the worker was killed')
          await buryWorker(stack, worker, queue)
          const lost = incidents.map((one) => watch.callsOf(one)).map(({ asked, saved }) => asked - saved)

          start()
          await queueEmpty(stack, queue)
          assertQueueEmpty(stack, queue)
          assertEnrichedOnce(stack, incidents)
          incidents.forEach((incident, index) => {
            const { asked } = watch.callsOf(incident)
            const allowed = 4 + (lost[index] ?? 0)
            assert.ok(asked <= allowed, `${incident.marker} was asked ${asked} times, ${allowed} at most`)
          })
        })
      }
    })
  }
})
