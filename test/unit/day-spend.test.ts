import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { SettledLine } from '../../deploy/local/demo/report.ts'
import { spendLines } from '../../deploy/local/demo/spend.ts'
import { DaySpend } from '../../worker/health/day-spend.ts'

const europe = '/subscriptions/S/resourceGroups/g/providers/Microsoft.OperationalInsights/workspaces/law-europe'
const cloud = europe.replace('law-europe', 'law-cloud')
const usage = { calls: 4, promptTokens: 1_000_000, completionTokens: 100_000, cachedTokens: 0 }
const noon = Date.parse('2026-11-24T12:00:00Z')

describe('tokens and cost of a day', () => {
  it('are told for all and by workspace, however its id is spelt', () => {
    const spend = new DaySpend()
    spend.add(europe, 'gpt-4.1-mini', usage, noon)
    spend.add(europe.toUpperCase(), 'gpt-4.1-mini', { ...usage, cachedTokens: 1_000_000 }, noon)
    spend.add(cloud, 'gpt-4.1-mini', usage, noon)
    const { day, workspaces, ...all } = spend.report(noon)
    assert.equal(day, '2026-11-24')
    assert.deepEqual(workspaces, {
      [europe.toLowerCase()]: {
        calls: 8,
        promptTokens: 2_000_000,
        completionTokens: 200_000,
        cachedTokens: 1_000_000,
        // 0.40 + 0.16, and 0.10 + 0.16 from the cache.
        costUsd: 0.82,
      },
      [cloud.toLowerCase()]: { ...usage, costUsd: 0.56 },
    })
    assert.deepEqual(all, {
      calls: 12,
      promptTokens: 3_000_000,
      completionTokens: 300_000,
      cachedTokens: 1_000_000,
      costUsd: 1.38,
    })
  })

  it('begin anew at midnight UTC', () => {
    const spend = new DaySpend()
    spend.add(europe, 'gpt-4.1-mini', usage, noon)
    const { day, calls, workspaces } = spend.report(noon + 12 * 3_600_000)
    assert.deepEqual([day, calls, workspaces], ['2026-11-25', 0, {}])
  })

  it('have no cost where one price is not known: a sum without it would be too low', () => {
    const spend = new DaySpend()
    spend.add(europe, 'gpt-4.1-mini', usage, noon)
    spend.add(europe, 'our-deployment', usage, noon)
    spend.add(europe, 'gpt-4.1-mini', usage, noon)
    spend.add(cloud, 'gpt-4.1-mini', usage, noon)
    const report = spend.report(noon)
    assert.ok(!('costUsd' in report))
    assert.deepEqual(
      [report.workspaces[europe.toLowerCase()]?.costUsd, report.workspaces[cloud.toLowerCase()]?.costUsd],
      [undefined, 0.56],
    )
  })

  it("are in the demo's summary by day and workspace, from what the workers logged", () => {
    const line = {
      event: 'incident.enriched',
      model: 'gpt-4.1-mini',
      calls: 4,
      promptTokens: 900,
      completionTokens: 100,
    }
    const lines: SettledLine[] = [
      { ...line, incident: 'a', workspace: europe, costUsd: 0.01, time: noon },
      // Deferred first, then enriched: one incident, both charged.
      {
        ...line,
        event: 'incident.deferred',
        incident: 'b',
        workspace: europe.toUpperCase(),
        costUsd: 0.02,
        time: noon,
      },
      { ...line, incident: 'b', workspace: europe, costUsd: 0.03, time: noon },
      { ...line, incident: 'c', workspace: cloud, costUsd: 0.04, time: '2026-11-25T00:00:01Z' },
      { event: 'incident.skipped', incident: 'd', workspace: cloud, time: noon },
    ]
    assert.deepEqual(spendLines(lines, false), [
      '2026-11-24 (UTC)  law-europe           2 incidents, 3000 tokens, about 0.0600 USD',
      '2026-11-25 (UTC)  law-cloud            1 incidents, 1000 tokens, about 0.0400 USD',
      'free: the demo model answered. gpt-4.1-mini would cost about 0.1000 USD at list price, all workspaces together',
    ])
    const unpriced = lines.map(({ costUsd: _none, ...rest }) => ({ ...rest, model: 'our-deployment' }))
    assert.match(spendLines(unpriced, true).at(-1) ?? '', /^the list price of our-deployment is not known$/)
  })
})
