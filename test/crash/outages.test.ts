import assert from 'node:assert/strict'
import { once } from 'node:events'
import { after, before, describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { Fleet } from '../harness/fleet.ts'
import { type OutagePart, startOutage } from '../harness/outage.ts'
import { assertEnrichedOnce, assertQueueEmpty, queueEmpty } from '../harness/verdict.ts'

/**
 * With no delayed attempt allowed, one counted failure would be a dead letter; a failure that counts takes its two immediate
 * retries, at most 2.25 s. Ten times that is this outage.
 */
const noAttempts = { MAX_ATTEMPTS: '0', RETRY_BASE_SECONDS: '15' }
const outageMs = 10 * 2_250
const resumeWithinMs = 5_000

/** Each has a stack of its own, and they wait side by side: an outage costs time, not work. */
describe('outages longer than ten times all attempts', { timeout: 120_000, concurrency: 5 }, () => {
  const cases: [string, OutagePart[]][] = [
    ['the model', ['model']],
    ['ARM', ['sentinel']],
    ['the table store', ['tables']],
    ['all three at once', ['model', 'sentinel', 'tables']],
  ]
  for (const [name, parts] of cases) {
    describe(name, () => {
      let fleet: Fleet
      before(async () => {
        fleet = await Fleet.open({ model: { latencyMs: 100 } })
      })
      after(() => fleet.close())

      it('dead-letters nothing, takes nothing while it lasts, says so, resumes within 5 s, finishes everything', async (test) => {
        const { stack } = fleet
        const worker = fleet.start(noAttempts)
        const first = await fleet.sendNew(8)
        await worker.line((line) => line.event === 'incident.enriched')
        const outage = startOutage(stack, parts)
        const later = await fleet.sendNew(8)
        await worker.line((line) => line.event === 'circuit.opened')
        const { healthPort } = await worker.line((line) => line.event === 'worker.started')
        const health = () => fetch(`http://127.0.0.1:${healthPort}/healthz/live`).then(({ status }) => status)
        await sleep(outageMs)
        assert.equal(await health(), 200, 'an outage is no reason to restart the worker')
        const { deadLettered, active } = stack.broker.inspect('incidents')
        assert.equal(deadLettered.length, 0)
        assert.ok(active.filter((one) => one.lockedUntil !== undefined).length <= 1, 'one probe at most is taken')

        const written = once(stack.sentinel.events, 'task-written')
        outage.end()
        const started = performance.now()
        await written
        const resumedMs = performance.now() - started
        test.diagnostic(`work resumed after ${Math.round(resumedMs)} ms`)
        await queueEmpty(stack)
        assertQueueEmpty(stack)
        assertEnrichedOnce(stack, [...first, ...later])
        assert.ok(
          worker.lines.every((line) => (line.attempt ?? 0) === 0),
          'an attempt was used up',
        )
        assert.ok(resumedMs <= resumeWithinMs, `work resumed after ${Math.round(resumedMs)} ms`)
      })
    })
  }

  describe('with nothing left but delayed copies', () => {
    let fleet: Fleet
    before(async () => {
      fleet = await Fleet.open()
    })
    after(() => fleet.close())

    it('work resumes within 5 s of the end all the same, although the ladder begins at 15 s', async (test) => {
      const { stack } = fleet
      const outage = startOutage(stack, ['model'])
      const worker = fleet.start(noAttempts)
      const incidents = await fleet.sendNew(3)
      await worker.line((line) => line.event === 'circuit.opened')
      for (const { guid } of incidents)
        await worker.line((line) => line.event === 'incident.deferred' && line.incident === guid)
      const written = once(stack.sentinel.events, 'task-written')
      outage.end()
      const started = performance.now()
      await written
      const resumedMs = performance.now() - started
      test.diagnostic(`work resumed after ${Math.round(resumedMs)} ms`)
      assert.ok(resumedMs <= resumeWithinMs, `work resumed after ${Math.round(resumedMs)} ms`)
      await queueEmpty(stack)
      assertEnrichedOnce(stack, incidents)
    })
  })
})
