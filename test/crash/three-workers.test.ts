import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { Fleet } from '../harness/fleet.ts'
import { addIncidents } from '../harness/incidents.ts'
import { startRandomKiller } from '../harness/random-killer.ts'
import { seededRandom } from '../harness/seeded-random.ts'
import { assertEnrichedOnce, assertQueueEmpty, queueEmpty } from '../harness/verdict.ts'

describe('three workers on one queue', { timeout: 150_000 }, () => {
  let fleet: Fleet
  before(async () => {
    fleet = await Fleet.open({
      moreQueues: ['one-incident'],
      // No duplicate detection: whatever keeps doubles out here is the worker's own.
      queue: { lockDurationMs: 5_000, duplicateDetectionWindowMs: 0, maxDeliveryCount: 1_000 },
      model: { latencyMs: (request) => 50 + (request % 300) },
    })
  })
  after(() => fleet.close())

  it('the same incident 50 times at once: three tasks, one tag, at most two rounds of model calls', async () => {
    const { stack } = fleet
    const incidents = addIncidents(stack, 1)
    const bodies = Array.from({ length: 50 }, () => incidents[0]?.armId)
    const asked = stack.model.totals.requests
    const workers = [1, 2, 3].map(() => fleet.start({ SERVICEBUS_QUEUE: 'one-incident' }))
    await Promise.all(workers.map((worker) => worker.line((line) => line.event === 'worker.started')))
    await fleet.send(bodies, 'one-incident')
    await queueEmpty(stack, 'one-incident')
    assertQueueEmpty(stack, 'one-incident')
    assertEnrichedOnce(stack, incidents)
    const calls = stack.model.totals.requests - asked
    assert.ok(calls <= 8, `${calls} model calls`)
    await Promise.all(workers.map((worker) => worker.stop()))
  })

  it('300 incidents, one worker killed about every second: each has its tasks and tag once, nothing is lost', async (test) => {
    const seed = Number(process.env.KILL_SEED ?? Date.now() % 1_000_000)
    test.diagnostic(`KILL_SEED=${seed} plays the same kills`)
    const { stack } = fleet
    const before = stack.model.totals.requests
    const stopKilling = startRandomKiller(fleet, {
      count: 3,
      pauseMs: 1_000,
      random: seededRandom(seed),
      environment: { CONCURRENCY: '8', SHUTDOWN_GRACE_SECONDS: '2' },
    })
    const incidents = await fleet.sendNew(300)
    await queueEmpty(stack)
    const kills = await stopKilling()
    assertQueueEmpty(stack)
    assertEnrichedOnce(stack, incidents)
    const asked = stack.model.totals.requests - before
    // Eight incidents in flight, at most three calls each.
    const most = 4 * incidents.length + kills * 8 * 3
    test.diagnostic(`${kills} kills, ${asked} model calls for ${incidents.length} incidents (at most ${most})`)
    assert.ok(kills >= 3 && asked <= most, `${kills} kills, ${asked} calls`)
  })
})
