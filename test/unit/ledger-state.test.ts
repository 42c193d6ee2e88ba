import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import {
  emptyLedger,
  type LedgerLimits,
  learnLimit,
  leftOf,
  refuse,
  reserve,
  settle,
} from '../../worker/budget/ledger-state.ts'

const noon = Date.parse('2026-11-24T12:00:00Z')
const today = '2026-11-24'
const none: LedgerLimits = {
  tokensPerMinute: undefined,
  requestsPerMinute: undefined,
  tokensPerDay: undefined,
  tokensPerDayPerWorkspace: undefined,
}
const ask = { model: 'm', workspace: 'w', tokens: 1_000 }

/** Start times of as many calls as are granted within `forMs`, asked for all at once. */
function startsWithin(limits: LedgerLimits, forMs: number, state = emptyLedger(), now = noon): number[] {
  const starts: number[] = []
  while (starts.length < 5_000) {
    const grant = reserve(state, ask, limits, now, forMs)
    if ('refused' in grant) return starts
    starts.push(grant.startAt - now)
  }
  assert.fail('the ledger grants without end')
}

describe('the rate of the ledger', () => {
  it('never grants more than the limit in any minute, and 95 % of it for ever', () => {
    const starts = startsWithin({ ...none, tokensPerMinute: 100_000 }, 10 * 60_000)
    for (const from of starts) {
      const inMinute = starts.filter((start) => start >= from && start < from + 60_000).length
      assert.ok(inMinute * 1_000 <= 100_000, `${inMinute} calls in the minute from ${from}`)
    }
    assert.ok(starts.length >= 95 * 10 && starts.length <= 95 * 10 + 6, `${starts.length} calls in ten minutes`)
  })
  it('counts requests beside tokens', () => {
    const starts = startsWithin({ ...none, tokensPerMinute: 1_000_000_000, requestsPerMinute: 60 }, 60_000)
    assert.ok(starts.length >= 57 && starts.length <= 61, `${starts.length}`)
  })
  it('reserves nothing for a call that would wait too long, and says how long', () => {
    const state = emptyLedger()
    startsWithin({ ...none, tokensPerMinute: 60_000 }, 10_000, state)
    const before = structuredClone(state)
    const grant = reserve(state, ask, { ...none, tokensPerMinute: 60_000 }, noon, 10_000)
    assert.ok('refused' in grant && grant.refused === 'TokensPerMinute' && grant.retryAfterMs > 10_000)
    assert.deepEqual(state, before)
  })
  it('a refusal by the provider holds everybody once for as long as asked, and slows them', () => {
    const state = emptyLedger()
    for (let index = 0; index < 5; index++) refuse(state, 'm', 7_000, noon)
    const grant = reserve(state, ask, { ...none, tokensPerMinute: 100_000 }, noon, 60_000)
    assert.ok('startAt' in grant && grant.startAt === noon + 7_000)
    assert.equal(state.models.m?.share, 0.85)
  })
  it('a lower limit in the headers is kept for a minute', () => {
    const limits = { ...none, tokensPerMinute: 100_000 }
    const state = emptyLedger()
    learnLimit(state, 'm', 10_000, noon)
    const slow = startsWithin(limits, 50_000, structuredClone(state)).length
    assert.ok(slow < 10, `${slow}`)
    assert.ok(startsWithin(limits, 50_000, state, noon + 60_001).length > 70)
  })
})

describe("the day's tokens", () => {
  it('are never reserved beyond, and are there again at midnight UTC', () => {
    const limits = { ...none, tokensPerDay: 10_500 }
    const state = emptyLedger()
    assert.equal(startsWithin(limits, 0, state).length, 10)
    const grant = reserve(state, ask, limits, noon, 0)
    assert.deepEqual(grant, { refused: 'TokensPerDay', retryAfterMs: 12 * 3_600_000 })
    assert.ok('startAt' in reserve(state, ask, limits, noon + 12 * 3_600_000, 0))
  })
  it('come back where a call used less than it reserved', () => {
    const limits = { ...none, tokensPerDay: 2_000 }
    const state = emptyLedger()
    startsWithin(limits, 0, state)
    settle(state, ask, today, 400)
    assert.ok('refused' in reserve(state, ask, limits, noon, 0))
    settle(state, ask, today, 400)
    assert.ok('startAt' in reserve(state, ask, limits, noon, 0))
  })
  it('a settlement of yesterday changes nothing today; a clock behind does not open yesterday again', () => {
    const limits = { ...none, tokensPerDay: 5_000 }
    const state = emptyLedger()
    reserve(state, ask, limits, noon, 0)
    const tomorrow = noon + 86_400_000
    reserve(state, ask, limits, tomorrow, 0)
    settle(state, ask, today, 900)
    assert.deepEqual(state.spent, { reserved: 1_000, settled: 0 })
    reserve(state, ask, limits, noon, 0)
    assert.equal(state.day, '2026-11-25')
  })
  it('each workspace has its own', () => {
    const limits = { ...none, tokensPerDayPerWorkspace: 1_500 }
    const state = emptyLedger()
    assert.ok('startAt' in reserve(state, ask, limits, noon, 0))
    assert.ok('refused' in reserve(state, ask, limits, noon, 0))
    assert.ok('startAt' in reserve(state, { ...ask, workspace: 'other' }, limits, noon, 0))
  })

  it('are told as what is left, whole again once the day has turned, of workspaces those that spent', () => {
    const evening = Date.parse('2026-11-24T23:00:00Z')
    const state = emptyLedger()
    const limits = {
      tokensPerMinute: undefined,
      requestsPerMinute: undefined,
      tokensPerDay: 1_000,
      tokensPerDayPerWorkspace: 500,
    }
    reserve(state, { model: 'm', workspace: 'w', tokens: 300 }, limits, evening, 0)
    const left = (now: number) =>
      leftOf(state, limits, now).map(({ scope, workspace, tokens }) => [scope, workspace, tokens])
    assert.deepEqual(left(evening), [
      ['day', undefined, 700],
      ['workspace-day', 'w', 200],
    ])
    assert.deepEqual(left(evening + 2 * 3_600_000), [
      ['day', undefined, 1_000],
      ['workspace-day', 'w', 500],
    ])
    assert.deepEqual(
      leftOf(state, { ...limits, tokensPerDay: undefined, tokensPerDayPerWorkspace: undefined }, evening),
      [],
    )
  })
})
