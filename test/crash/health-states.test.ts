import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import type { StackOptions } from '../../deploy/local/start-stack.ts'
import type { RunReport } from '../../worker/health/run-totals.ts'
import { Fleet } from '../harness/fleet.ts'
import { healthDuring, healthOf, untilHealth } from '../harness/health.ts'
import { type OutagePart, startOutage } from '../harness/outage.ts'
import { queueEmpty } from '../harness/verdict.ts'
import type { LogLine, WorkerProcess } from '../harness/worker-process.ts'

/** How long a probe may still hear what is no longer so: the queue is asked every second, and has seconds to answer. */
const noticedWithinMs = 8_000

async function open(test: TestContext, options: StackOptions = {}): Promise<Fleet> {
  const fleet = await Fleet.open(options)
  test.after(async () => {
    fleet.stack.broker.faults.clear()
    await fleet.close()
  })
  return fleet
}

const isReady = ({ live, ready }: { live: number; ready: number }) => live === 200 && ready === 200
const isLiveOnly = ({ live, ready }: { live: number; ready: number }) => live === 200 && ready === 503

/** In a model's answer, so that its slot is busy. */
async function busy(fleet: Fleet, worker: WorkerProcess): Promise<void> {
  await fleet.sendNew(1)
  await untilHealth(worker, ({ status }) => status.inFlight === 1, noticedWithinMs)
}

describe('live and ready of a real worker tell the truth', { timeout: 120_000, concurrency: 3 }, () => {
  it('while the broker is away, before the first message and after one, and when it is back', async (test) => {
    const fleet = await open(test)
    await fleet.stack.broker.stop()
    const worker = fleet.start()
    assert.ok(isLiveOnly(await healthOf(worker)), 'a broker that was never there')
    await fleet.stack.broker.restart()
    await untilHealth(worker, isReady, noticedWithinMs)
    await fleet.sendNew(1)
    await worker.settled(1)
    const line = await worker.line(({ event }) => event === 'incident.enriched')
    const { totals } = (await healthOf(worker)).status as { totals: RunReport }
    const { calls, promptTokens, completionTokens, cachedTokens, costUsd } = line
    const spend = { calls, promptTokens, completionTokens, cachedTokens, costUsd }
    assert.ok(Number(costUsd) > 0)
    assert.deepEqual(totals.today.workspaces, { [String(line.workspace).toLowerCase()]: spend }, 'as it was logged')
    await fleet.stack.broker.stop()
    const ms = await untilHealth(worker, isLiveOnly, noticedWithinMs)
    test.diagnostic(`not ready ${Math.round(ms)} ms after the broker stopped`)
    assert.deepEqual([...(await healthDuring(worker, sleep(3_000)))], ['200/503 taking'])
    await fleet.stack.broker.restart()
    await untilHealth(worker, isReady, noticedWithinMs)
  })

  it('while the broker hangs and every slot is busy', async (test) => {
    const fleet = await open(test, { model: { latencyMs: 30_000 } })
    const worker = fleet.start({ CONCURRENCY: '1' })
    await busy(fleet, worker)
    assert.ok(isReady(await healthOf(worker)))
    fleet.stack.broker.faults.halfOpen(true)
    const ms = await untilHealth(worker, isLiveOnly, 15_000)
    test.diagnostic(`not ready ${Math.round(ms)} ms after the broker fell silent`)
    fleet.stack.broker.faults.halfOpen(false)
    await untilHealth(worker, isReady, 15_000)
  })

  for (const parts of [['model'], ['tables'], ['sentinel']] satisfies OutagePart[][]) {
    it(`not ready for as long as an outage of ${parts} lasts, also while it is probed, and never a reason to restart`, async (test) => {
      const fleet = await open(test)
      const worker = fleet.start()
      await untilHealth(worker, isReady, noticedWithinMs)
      const outage = startOutage(fleet.stack, parts)
      await fleet.sendNew(8)
      // Sentinel has a circuit per subscription, and incidents of two come: one that still seems well keeps the intake open.
      const opened = (line: LogLine) => line.event === 'circuit.opened'
      const first = await worker.line(opened)
      if (parts[0] === 'sentinel') await worker.line((line) => opened(line) && line.circuit !== first.circuit)
      const seen = await healthDuring(worker, sleep(8_000))
      assert.deepEqual([...seen].sort(), ['200/503 paused', '200/503 probing'])
      outage.end()
      await untilHealth(worker, isReady, noticedWithinMs)
      await queueEmpty(fleet.stack)
    })
  }

  it('while it drains, to its end', async (test) => {
    const fleet = await open(test, { model: { latencyMs: 30_000 } })
    const worker = fleet.start({ SHUTDOWN_GRACE_SECONDS: '4' })
    await busy(fleet, worker)
    worker.child.kill('SIGTERM')
    await worker.line((line) => line.event === 'worker.draining')
    assert.deepEqual([...(await healthDuring(worker, sleep(1_000)))], ['200/503 draining'])
    const stopped = worker.line((line) => line.event === 'worker.stopped')
    const seen = await healthDuring(worker, stopped).catch(() => new Set<string>())
    for (const answer of seen) assert.match(answer, /^(200\/503 draining|503\/503 stopped)$/)
    assert.equal(await worker.exited, 0)
    await assert.rejects(healthOf(worker))
  })
})
