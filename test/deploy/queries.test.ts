import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import { bodiesOf, deployedWith } from './deployed-with.ts'
import { checkQuery } from './queries/check-query.ts'

const folder = new URL('../../deploy/azure/queries/', import.meta.url)
const queries = new Map(readdirSync(folder).map((name) => [name, readFileSync(new URL(name, folder), 'utf8')]))

describe('the queries of the workbook and the alerts', () => {
  for (const [name, query] of queries) {
    it(`${name} is a query that Kusto understands, of events and fields that the worker logs`, () => {
      assert.deepEqual(checkQuery(query), [])
    })
  }

  it('a broken copy is found: an event, a field, a column that nobody writes, another table, a typing error', () => {
    const query = queries.get('dead-letters.kql') ?? ''
    const broken: [from: string, to: string, finding: RegExp][] = [
      ["'incident.dead-lettered'", "'incident.deadlettered'", /no event incident\.deadlettered/],
      ['line.reason', 'line.cause', /no field cause/],
      ['min(TimeGenerated)', 'min(Timestamp)', /'Timestamp' does not refer to any known column/],
      ['summarize deadLetters', 'summarise deadLetters', /operator expected/],
      ['ContainerAppConsoleLogs', 'ContainerAppConsoleLogs_CL', /does not refer to any known table/],
      ['parse_json(Log)', 'parse_json(Log_s)', /'Log_s' does not refer to any known column/],
    ]
    for (const [from, to, finding] of broken) {
      assert.ok(query.includes(from), from)
      assert.match(checkQuery(query.replace(from, to)).join('\n'), finding)
    }
  })

  it('every query is in the workbook or in an alert, whole', () => {
    const deployed = deployedWith({ TOKENS_PER_DAY: '1000' })
    const used = JSON.stringify([
      bodiesOf(deployed, 'Microsoft.Insights/workbooks').map(
        (one) => JSON.parse((one.properties as { serializedData: string }).serializedData) as unknown,
      ),
      bodiesOf(deployed, 'Microsoft.Insights/scheduledQueryRules'),
    ])
    for (const [name, query] of queries) {
      assert.ok(used.includes(JSON.stringify(query.replaceAll('{tokensPerDay}', '1000')).slice(1, -1)), name)
    }
    assert.ok(!used.includes('{tokensPerDay}'))
  })

  it('there is no alert on a budget that is not set', () => {
    const names = bodiesOf(deployedWith({ TOKENS_PER_DAY: '0' }), 'Microsoft.Insights/scheduledQueryRules')
    assert.deepEqual(
      names.map((one) => one.name),
      ['enricher-circuit-open'],
    )
  })
})
