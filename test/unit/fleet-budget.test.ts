import assert from 'node:assert/strict'
import { it } from 'node:test'
import { systemClock } from '../../shared/clock.ts'
import { Failure } from '../../shared/failure.ts'
import { LedgerBudget } from '../../worker/budget/fleet-budget.ts'
import { createMemoryLedgerStore } from '../../worker/budget/ledger-store.ts'

it('a call whose turn is too far away says for how long no message needs to be taken', async () => {
  const limits = {
    tokensPerMinute: 60_000,
    requestsPerMinute: undefined,
    tokensPerDay: undefined,
    tokensPerDayPerWorkspace: undefined,
  }
  const rests: number[] = []
  const budget = new LedgerBudget(createMemoryLedgerStore(), limits, systemClock, { spent: (ms) => rests.push(ms) })
  const ending = new AbortController()
  const ask = { model: 'm', workspace: 'w', tokens: 20_000 }
  // Twenty seconds of the quota each, less the burst: the first waits in its slot, the second would wait twice as long.
  const first = budget.reserve(ask, ending.signal).catch(() => undefined)
  const refusal: unknown = await budget.reserve(ask, ending.signal).catch((error: unknown) => error)
  ending.abort(new Error('the test is over'))
  await first
  await budget.close()
  assert.ok(refusal instanceof Failure && refusal.kind === 'budget-spent' && refusal.retryAfterMs !== undefined)
  assert.deepEqual(rests, [refusal.retryAfterMs - 10_000])
})
