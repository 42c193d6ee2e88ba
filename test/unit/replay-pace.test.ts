import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Clock } from '../../shared/clock.ts'
import { ComeBackWatch } from '../../worker/replay/come-back-watch.ts'
import { Pace } from '../../worker/replay/pace.ts'

/** Sleeping is moving the clock. */
class PlayedClock implements Clock {
  at = 1_000_000
  now = () => this.at
  sleep = async (delayMs: number, signal?: AbortSignal) => {
    signal?.throwIfAborted()
    this.at += delayMs
  }
}
const { signal } = new AbortController()

async function timesOf(options: ConstructorParameters<typeof Pace>[0], total: number): Promise<[number, number][]> {
  const clock = new PlayedClock()
  const pace = new Pace(options, clock)
  const grants: [number, number][] = []
  for (let left = total; left > 0; ) {
    const count = await pace.next(left, signal)
    assert.ok(count >= 1 && count <= left)
    grants.push([clock.at - 1_000_000, count])
    left -= count
  }
  return grants
}

describe('the pace of a replay', () => {
  it('begins with 1, 2, 5, 10, 20, each for as long as a step lasts, and then runs free', async () => {
    const grants = await timesOf({ ratePerSecond: undefined, stepMs: 1_000, portion: 1_000 }, 2_000)
    assert.deepEqual(grants.slice(0, 5), [
      [0, 1],
      [1_000, 2],
      [2_000, 5],
      [3_000, 10],
      [4_000, 20],
    ])
    assert.deepEqual(grants.slice(-2), [
      [9_000, 1_000],
      [9_000, 112],
    ])
  })
  it('gives everything at once without a ramp', async () => {
    assert.deepEqual(await timesOf({ ratePerSecond: undefined, stepMs: 0, portion: 250 }, 500), [
      [0, 250],
      [0, 250],
    ])
  })
  it('never exceeds the rate in any second, and reaches it', async () => {
    for (const ratePerSecond of [0.5, 3, 50, 700]) {
      const total = Math.ceil(ratePerSecond * 8)
      const grants = await timesOf({ ratePerSecond, stepMs: 0, portion: 250 }, total)
      for (const [from] of grants) {
        const within = grants
          .filter(([at]) => at >= from && at < from + 1_000)
          .reduce((sum, [, count]) => sum + count, 0)
        assert.ok(
          within <= Math.max(1, Math.ceil(ratePerSecond * 1.1)),
          `${within} within a second at ${ratePerSecond}/s`,
        )
      }
      const lastAt = grants.at(-1)?.[0] ?? 0
      assert.ok(lastAt <= (total / ratePerSecond) * 1000, `${total} took ${lastAt} ms at ${ratePerSecond}/s`)
    }
  })
})

describe('the watch for what comes back dead', () => {
  const watchOf = (moved: number, back: number[]) => {
    const watch = new ComeBackWatch()
    for (let one = 1; one <= moved; one++) watch.moved(`m${one}~r1`)
    for (const one of back) watch.seen(`m${one}~r1`, 'AccessDenied')
    return watch
  }
  it('stops when half of those that had the time to are dead again, however many were moved since', () => {
    assert.deepEqual(watchOf(5_000, [1, 2, 4, 5, 7, 8, 10, 12, 15, 18]).verdict, {
      cameBack: 10,
      of: 18,
      mostly: 'AccessDenied',
    })
  })
  it('goes on while fewer than ten, or fewer than half, came back', () => {
    assert.equal(watchOf(5_000, [1, 2, 3, 4, 5, 6, 7, 8, 9]).verdict, undefined)
    assert.equal(watchOf(5_000, [1, 2, 3, 4, 5, 6, 7, 8, 9, 100]).verdict, undefined)
  })
  it('counts each once, and nothing that this run did not move', () => {
    const watch = watchOf(20, [1, 1, 1, 99, 200])
    watch.seen('m1~r2', 'x')
    assert.equal(watch.cameBack, 1)
  })
})
