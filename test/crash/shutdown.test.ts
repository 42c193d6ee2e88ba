import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { Fleet } from '../harness/fleet.ts'
import { nextSettled } from '../harness/settlements.ts'
import { assertEnrichedOnce, assertQueueEmpty, queueEmpty } from '../harness/verdict.ts'

describe('shutdown', { timeout: 120_000 }, () => {
  let fleet: Fleet
  before(async () => {
    fleet = await Fleet.open({
      moreQueues: ['second-signal'],
      model: { latencyMs: (request) => 200 + (request % 1_500) },
    })
  })
  after(() => fleet.close())

  it('SIGTERM under load: exit 0 within the grace period and 3 s, no attempt used up, the next worker finishes all', async (test) => {
    const { stack } = fleet
    const graceSeconds = 2.5
    const worker = fleet.start({ CONCURRENCY: '16', SHUTDOWN_GRACE_SECONDS: String(graceSeconds) })
    const incidents = await fleet.sendNew(60)
    for (let count = 0; count < 5; count++) await nextSettled(stack)
    const started = performance.now()
    assert.equal(await worker.stop('SIGTERM'), 0)
    const tookMs = performance.now() - started
    test.diagnostic(`exited after ${Math.round(tookMs)} ms`)
    assert.ok(tookMs <= (graceSeconds + 3) * 1000, `exited after ${Math.round(tookMs)} ms`)
    const { active, scheduled } = stack.broker.inspect('incidents')
    assert.ok(
      active.every((message) => message.lockedUntil === undefined),
      'a message is still locked',
    )
    assert.equal(scheduled.length, 0)
    assert.ok(active.every((message) => message.applicationProperties['enricher-attempt'] === undefined))
    assert.ok(
      worker.lines.some((line) => line.event === 'incident.released'),
      'nothing was in flight at the end',
    )

    fleet.start({ CONCURRENCY: '16' })
    await queueEmpty(stack)
    assertQueueEmpty(stack)
    assertEnrichedOnce(stack, incidents)
  })

  it('a second signal ends at once, with exit code 1', async () => {
    const { stack } = fleet
    const hold = stack.model.faults.hold()
    const worker = fleet.start({ SERVICEBUS_QUEUE: 'second-signal', SHUTDOWN_GRACE_SECONDS: '60' })
    const asked = new Promise<void>((resolve) => stack.model.events.once('request', () => resolve()))
    await fleet.sendNew(1, 'second-signal')
    await asked
    worker.child.kill('SIGTERM')
    await worker.line((line) => line.event === 'worker.draining')
    const started = performance.now()
    assert.equal(await worker.stop('SIGTERM'), 1)
    assert.ok(performance.now() - started < 2_000)
    hold.release()
  })
})
