import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { Fleet } from '../harness/fleet.ts'
import { nextSettled } from '../harness/settlements.ts'
import { assertEnrichedOnce, assertQueueEmpty, queueEmpty } from '../harness/verdict.ts'
import type { WorkerProcess } from '../harness/worker-process.ts'

const recoverWithinMs = 5_000
const lockMs = 4_000

/** One worker lives through all of them, so that what one fault leaves behind would break the next. */
describe('what can go wrong between a worker and its queue', { timeout: 200_000 }, () => {
  let fleet: Fleet
  let worker: WorkerProcess
  before(async () => {
    fleet = await Fleet.open({ queue: { lockDurationMs: lockMs }, model: { latencyMs: 300 } })
    worker = fleet.start({ CONCURRENCY: '6' })
    await worker.line((line) => line.event === 'worker.started')
  })
  after(() => fleet.close())

  /** Lets the fault happen amid 18 incidents; `fault` resolves when the other side is well again. */
  function survives(name: string, fault: () => Promise<void>): void {
    it(`${name}: nothing lost or doubled, and work goes on within 5 s`, async (test) => {
      const { stack } = fleet
      const incidents = await fleet.sendNew(18)
      await nextSettled(stack)
      await fault()
      const started = performance.now()
      // Where a fault stops nothing, all may be done by its end.
      await Promise.race([nextSettled(stack), queueEmpty(stack)])
      const recoveredMs = performance.now() - started
      test.diagnostic(`the next message was settled ${Math.round(recoveredMs)} ms after the fault`)
      await queueEmpty(stack)
      assertQueueEmpty(stack)
      assertEnrichedOnce(stack, incidents)
      assert.equal(worker.child.exitCode, null)
      assert.ok(recoveredMs <= recoverWithinMs, `recovery took ${Math.round(recoveredMs)} ms`)
    })
  }
  const faults = () => fleet.stack.broker.faults

  survives('locks expired under running incidents', async () => {
    for (const { sequenceNumber } of fleet.stack.broker.inspect('incidents').active) faults().expireLock(sequenceNumber)
  })
  survives('the receiver link detached', async () => faults().detachReceivers())
  survives('credit lost by the broker, without a word', async () => {
    faults().loseCredit()
    // What had come before is worked on; only when that is done does the receiver seem idle.
    const held = () =>
      fleet.stack.broker.inspect('incidents').active.some(({ lockedUntil }) => lockedUntil !== undefined)
    while (held()) await nextSettled(fleet.stack)
  })
  survives('every connection reset', async () => faults().killConnections())
  survives('connections refused for two seconds', async () => {
    faults().killConnections()
    faults().refuseConnections(2_000)
    await sleep(2_000)
  })
  survives('a half-open peer that comes back after four seconds', async () => {
    faults().halfOpen(true)
    await sleep(4_000)
    faults().halfOpen(false)
  })
  survives('a half-open peer that never comes back', async () => {
    faults().halfOpen(true)
    await sleep(4_000)
    faults().killConnections()
    faults().halfOpen(false)
  })
  survives('a broker that restarts', async () => {
    await fleet.stack.broker.stop()
    await sleep(1_500)
    await fleet.stack.broker.restart()
  })
  survives('settlements delayed past the lock', async () => {
    faults().delayDispositions(lockMs + 1_000)
    await sleep(lockMs * 2)
    faults().clear()
  })
  survives('settlements carried out, their answers lost', async () => {
    faults().delayDispositions(lockMs + 1_000, 'answer')
    await sleep(lockMs)
    faults().clear()
  })
  survives('renewals refused, ten in a row', async () => faults().failRenewals(10))
  survives('messages delivered twice', async () => faults().deliverTwice(6))
  survives('a busy broker for two seconds', async () => {
    faults().serverBusy(2_000)
    await sleep(2_000)
  })
})
