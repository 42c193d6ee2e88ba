import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { TableClient } from '@azure/data-tables'
import { startTables, type TablesServer } from '../../../deploy/local/tables/tables.ts'
import { systemClock } from '../../../shared/clock.ts'
import { LedgerBudget } from '../../../worker/budget/fleet-budget.ts'
import type { LedgerLimits } from '../../../worker/budget/ledger-state.ts'
import {
  budgetsTable,
  createMemoryLedgerStore,
  createTableLedgerStore,
  type LedgerStore,
} from '../../../worker/budget/ledger-store.ts'
import { Circuits } from '../../../worker/recovery/circuits.ts'
import { createCallDependency } from '../../../worker/recovery/immediate-retry.ts'

const { signal } = new AbortController()
const limits: LedgerLimits = {
  tokensPerMinute: undefined,
  requestsPerMinute: undefined,
  tokensPerDay: 10_000_000,
  tokensPerDayPerWorkspace: undefined,
}
const ask = { model: 'm', workspace: 'w', tokens: 1_000 }

describe('the ledger', { timeout: 60_000 }, () => {
  let tables: TablesServer
  before(async () => {
    tables = await startTables()
  })
  after(() => tables.close())

  /** A store with a client of its own, as another replica would have. */
  function tableStore(adapt: (client: TableClient) => void = () => undefined): LedgerStore {
    const client = TableClient.fromConnectionString(tables.connectionString, budgetsTable, {
      allowInsecureConnection: true,
      retryOptions: { maxRetries: 0 },
    })
    adapt(client)
    const settings = { maxAttempts: 8, baseMs: 1_000, maxMs: 10_000 }
    return createTableLedgerStore(
      client,
      createCallDependency({ circuits: new Circuits(), clock: systemClock, settings }),
    )
  }

  for (const [name, open] of [
    ['memory', createMemoryLedgerStore],
    ['table', tableStore],
  ] as const) {
    it(`${name}: a state is written only over the version that was read`, async () => {
      const store = open()
      const first = await store.load(signal)
      const version = await store.save(first.state, first.version, signal)
      assert.ok(version)
      assert.equal(await store.save(first.state, first.version, signal), undefined)
      const { state } = await store.load(signal)
      state.workspaces['ärger 🚨'.repeat(5_000)] = { reserved: 1, settled: 2 }
      assert.ok(await store.save(state, version, signal))
      assert.deepEqual((await store.load(signal)).state, state)
      state.workspaces = {}
      assert.ok(await store.save(state, (await store.load(signal)).version, signal))
    })
  }

  it('four replicas at once: every reservation and every settlement is counted once', async () => {
    const start = (await tableStore().load(signal)).state.spent
    const replicas = Array.from({ length: 4 }, () => new LedgerBudget(tableStore(), limits, systemClock))
    await Promise.all(
      replicas.flatMap((replica) =>
        Array.from({ length: 25 }, async () => (await replica.reserve(ask, signal)).settle(400)),
      ),
    )
    await Promise.all(replicas.map((replica) => replica.close()))
    const { spent } = (await tableStore().load(signal)).state
    assert.deepEqual(spent, { reserved: start.reserved, settled: start.settled + 100 * 400 })
  })

  it('a write whose answer was lost is not made twice', async () => {
    const start = (await tableStore().load(signal)).state.spent
    let lost = 0
    const store = tableStore((client) =>
      client.pipeline.addPolicy({
        name: 'loses-answers',
        sendRequest: async (request, next) => {
          const answer = await next(request)
          if (request.method !== 'PUT' || answer.status >= 300 || lost >= 2) return answer
          lost++
          throw Object.assign(new Error('read ECONNRESET'), { name: 'RestError', code: 'ECONNRESET' })
        },
      }),
    )
    const budget = new LedgerBudget(store, limits, systemClock)
    const reservation = await budget.reserve(ask, signal)
    reservation.settle(400)
    await budget.close()
    assert.equal(lost, 2)
    const { spent } = (await tableStore().load(signal)).state
    assert.deepEqual(spent, { reserved: start.reserved, settled: start.settled + 400 })
  })

  it('a row of a version that knew no slow_down is read as it was meant', async () => {
    const client = TableClient.fromConnectionString(tables.connectionString, budgetsTable, {
      allowInsecureConnection: true,
    })
    const pace = {
      tokensAt: 1,
      requestsAt: 2,
      blockedUntil: 3,
      share: 0.85,
      shareAt: 4,
      headerLimit: 0,
      headerUntil: 0,
    }
    const state = { models: { m: pace }, day: '2026-11-24', spent: { reserved: 0, settled: 5 }, workspaces: {} }
    await client.upsertEntity({ partitionKey: 'fleet', rowKey: 'budgets', state_0: JSON.stringify(state) }, 'Replace')
    const read = await tableStore().load(signal)
    assert.deepEqual(read.state, { ...state, models: { m: { ...pace, slowly: false } } })
  })

  it('a row that is not the ledger stops spending', async () => {
    const client = TableClient.fromConnectionString(tables.connectionString, budgetsTable, {
      allowInsecureConnection: true,
    })
    await client.upsertEntity({ partitionKey: 'fleet', rowKey: 'budgets', state_0: '{"spent":"nothing"}' }, 'Replace')
    const budget = new LedgerBudget(tableStore(), limits, systemClock)
    await assert.rejects(budget.reserve(ask, signal), { dependency: 'state', kind: 'outage' })
    await budget.close()
  })
})
