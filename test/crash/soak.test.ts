import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { growthPer10000, soak } from '../harness/soak.ts'

describe('a short soak (npm run soak is the long one)', { timeout: 150_000 }, () => {
  it('what a worker holds does not grow with the incidents: heap, timers, sockets, listeners, table rows', async (test) => {
    const rounds = 10
    const warmUpRounds = 5
    const incidentsPerRound = 100
    const { holdings, tableRows } = await soak({ rounds, incidentsPerRound })
    const warm = holdings[warmUpRounds - 1]
    const last = holdings.at(-1)
    assert.ok(warm && last)
    const grewMb = growthPer10000(holdings, 'heapUsed', warmUpRounds) / 2 ** 20
    test.diagnostic(
      `heap after a collection: ${Math.round(last.heapUsed / 2 ** 20)} MB, ${grewMb.toFixed(1)} MB per 10,000`,
    )
    // So few incidents show two kilobytes that each leaves behind, not less: the rest is for npm run soak.
    assert.ok(grewMb < 20, `the heap grew by ${grewMb.toFixed(1)} MB per 10,000 incidents`)
    for (const kind of ['Timeout', 'TCPSocketWrap', 'TLSWrap', 'PipeWrap']) {
      // Keep-alive sockets and the renewal timers of a moment come and go: one slot's worth is no leak.
      assert.ok((last.resources[kind] ?? 0) <= (warm.resources[kind] ?? 0) + 32, `${kind}: ${last.resources[kind]}`)
    }
    assert.equal(last.listeners, warm.listeners)
    assert.equal(tableRows, rounds * incidentsPerRound, 'a row per incident')
  })
})
