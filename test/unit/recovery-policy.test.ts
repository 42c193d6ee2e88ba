import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Failure, type FailureDetails, hopeless } from '../../shared/failure.ts'
import { decideRecovery, type FailureHistory } from '../../worker/recovery/policy.ts'

const settings = { maxAttempts: 3, baseMs: 10_000, maxMs: 35_000 }
const over: FailureHistory = {
  immediateRetries: Number.POSITIVE_INFINITY,
  attempt: 0,
  copies: 0,
  workedForOthers: false,
  intakeStopped: false,
}
const fails = (kind: FailureDetails['kind'], more: Partial<FailureDetails> = {}) =>
  new Failure('x', { kind, dependency: 'model', code: 'X', ...more })
const decide = (failure: Failure, history: Partial<FailureHistory> = {}, random = 0) =>
  decideRecovery(failure, { ...over, ...history }, settings, random)

describe('immediate retries', () => {
  it('are two, half a second and a second with jitter', () => {
    const failure = fails('outage', { retryNow: true })
    assert.deepEqual(decide(failure, { immediateRetries: 0 }, 0.5), { do: 'retry-now', delayMs: 500 })
    assert.deepEqual(decide(failure, { immediateRetries: 1 }, 0.5), { do: 'retry-now', delayMs: 1000 })
    assert.equal(decide(failure, { immediateRetries: 2 }).do, 'defer')
  })
  it('are one where the try before may have been paid', () => {
    const failure = fails('outage', { retryNow: true, maybeCharged: true })
    assert.equal(decide(failure, { immediateRetries: 0 }).do, 'retry-now')
    assert.equal(decide(failure, { immediateRetries: 1 }).do, 'defer')
  })
  it('honour Retry-After up to 30 s, and are left out above', () => {
    const asked = (retryAfterMs: number) => fails('throttled', { retryNow: true, retryAfterMs })
    assert.deepEqual(decide(asked(30_000), { immediateRetries: 0 }), { do: 'retry-now', delayMs: 30_000 })
    assert.deepEqual(decide(asked(30_001), { immediateRetries: 0 }), { do: 'defer', delayMs: 30_001, attempt: 0 })
  })
  it('are not made where they cannot help', () => {
    assert.equal(decide(fails('outage'), { immediateRetries: 0 }).do, 'defer')
  })
})

describe('the rows of the recovery table', () => {
  it('hopeless: dead-lettered with its reason, whatever the history', () => {
    const failure = hopeless('ContentFiltered', 'model', 'content_filter', 'x')
    assert.deepEqual(decide(failure), { do: 'dead-letter', reason: 'ContentFiltered' })
  })
  it('interrupted: released, no attempt used up', () => {
    assert.deepEqual(decide(fails('interrupted'), { attempt: 3 }), { do: 'release' })
  })
  it('busy: deferred for seconds, longer with every copy, no attempt used up', () => {
    assert.deepEqual(decide(fails('busy'), {}, 0.5), { do: 'defer', delayMs: 3_000, attempt: 0 })
    assert.deepEqual(decide(fails('busy'), { copies: 3, attempt: 2 }, 0.5), {
      do: 'defer',
      delayMs: 24_000,
      attempt: 2,
    })
  })
  it('budget spent: deferred until it is there again, however long, no attempt used up', () => {
    assert.deepEqual(decide(fails('budget-spent', { retryAfterMs: 80_000_000 }), { attempt: 3 }), {
      do: 'defer',
      delayMs: 80_000_000,
      attempt: 3,
    })
  })
  it('throttled: deferred as long as asked, an hour at most, no attempt used up', () => {
    assert.deepEqual(decide(fails('throttled', { retryAfterMs: 86_400_000 }), { attempt: 3 }), {
      do: 'defer',
      delayMs: 3_600_000,
      attempt: 3,
    })
  })
  it('outage: deferred for seconds, then longer up to sixteen base delays, no attempt used up however often', () => {
    assert.deepEqual(decide(fails('outage'), { attempt: 3 }), { do: 'defer', delayMs: 1_000, attempt: 3 })
    assert.deepEqual(decide(fails('outage'), {}, 0.999999), { do: 'defer', delayMs: 2_000, attempt: 0 })
    assert.deepEqual(decide(fails('outage'), { copies: 3 }, 0.999999), { do: 'defer', delayMs: 16_000, attempt: 0 })
    assert.deepEqual(decide(fails('outage'), { copies: 500 }, 0.999999), { do: 'defer', delayMs: 35_000, attempt: 0 })
  })
  it('outage while a circuit keeps the intake shut: back within seconds, whatever the number of copies', () => {
    assert.deepEqual(decide(fails('outage'), { copies: 500, intakeStopped: true }, 0.999999), {
      do: 'defer',
      delayMs: 2_000,
      attempt: 0,
    })
  })
  it('outage for this message alone: an attempt, since the dependency served others meanwhile', () => {
    assert.deepEqual(decide(fails('outage'), { workedForOthers: true }), { do: 'defer', delayMs: 5_000, attempt: 1 })
    assert.deepEqual(decide(fails('outage'), { workedForOthers: true, attempt: 3 }), {
      do: 'dead-letter',
      reason: 'AttemptsExhausted',
    })
  })
  it('unexpected: the ladder doubles to its last rung, then dead-lettered', () => {
    const rungs = [0, 1, 2].map((attempt) => decide(fails('unexpected'), { attempt }, 0.999999))
    assert.deepEqual(rungs, [
      { do: 'defer', delayMs: 10_000, attempt: 1 },
      { do: 'defer', delayMs: 20_000, attempt: 2 },
      { do: 'defer', delayMs: 35_000, attempt: 3 },
    ])
    assert.deepEqual(decide(fails('unexpected'), { attempt: 3 }), { do: 'dead-letter', reason: 'AttemptsExhausted' })
  })
  it('access denied: the same ladder, dead-lettered as AccessDenied', () => {
    assert.deepEqual(decide(fails('access-denied'), { attempt: 3 }), { do: 'dead-letter', reason: 'AccessDenied' })
    assert.equal(decide(fails('access-denied'), { attempt: 2 }).do, 'defer')
  })
})
