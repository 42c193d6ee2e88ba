import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { deadLetterReasons } from '../../shared/failure.ts'
import { sayCost } from '../../worker/commands/dlq/expected-cost.ts'
import { shellWord } from '../../worker/commands/terminal/own-command.ts'
import { harmless, widthOf, wrap } from '../../worker/commands/terminal/paint.ts'
import { ageOf, renderTable } from '../../worker/commands/terminal/table.ts'
import { judgeSettings, secondsOf } from '../../worker/preflight/check-queue.ts'
import { adviseOn } from '../../worker/replay/explain.ts'

describe('what a terminal is shown', () => {
  it("can do nothing to the terminal: a message's text is made harmless", () => {
    assert.equal(harmless('\u001B[2Jgone\u0007\r\u202Etxt.exe'), '\\u001b[2Jgone\\u0007\\u000d\\u202etxt.exe')
  })
  it('is a table that fits its columns, the flexible ones cut with an ellipsis', () => {
    const columns = [
      { title: 'REASON', flexible: true },
      { title: 'COUNT', align: 'right' as const },
    ]
    const table = renderTable(
      columns,
      [
        ['A'.repeat(100), '12'],
        ['B', '1'],
      ],
      40,
    )
    for (const line of table.split('\n')) assert.ok(widthOf(line) <= 40, line)
    assert.match(table, /A+… +12\n/)
  })
  it('breaks between words', () => {
    assert.equal(wrap('aaaa bbbb cccc dddd eeee ffff', 24, 2), 'aaaa bbbb cccc dddd\n  eeee ffff')
  })
  it('says ages in one unit', () => {
    const ages = [5_000, 120_000, 7_200_000, 5 * 86_400_000].map((ms) => ageOf(0, ms))
    assert.deepEqual(ages, ['5 s', '2 min', '2 h', '5 d'])
  })
  it('repeats a command so that a shell takes it', () => {
    assert.deepEqual(['--reason', "it's", '10/s'].map(shellWord), ['--reason', "'it'\\''s'", '10/s'])
  })
  it('says what a replay is expected to cost, or why that is not known', () => {
    const cost = { tokens: 1_040_000, usd: 0.924, runs: 1204, model: 'gpt-4.1-mini' }
    assert.equal(
      sayCost(cost),
      'By the mean of 1204 past runs that takes about 1.0 million tokens of gpt-4.1-mini, about $0.92.',
    )
    assert.match(sayCost({ ...cost, usd: undefined }), /tokens of gpt-4.1-mini\.$/)
    assert.match(sayCost('no run of x has finished yet'), /not known: no run/)
  })
})

describe('advice', () => {
  it("is there for every reason of the contract, and for another producer's", () => {
    const general = adviseOn('Whatever').what
    for (const reason of deadLetterReasons) assert.notEqual(adviseOn(reason).what, general, reason)
    assert.equal(adviseOn('toString').what, general)
  })
})

describe("the queue's settings", () => {
  const good = { lockSeconds: 60, duplicateSeconds: 600, maxDeliveryCount: 100, sessions: false }
  const statuses = (more: Partial<typeof good>) => judgeSettings({ ...good, ...more }).map((one) => one.status)
  it('pass as the deployment makes them, and each that works against the worker is told', () => {
    assert.deepEqual(statuses({}), ['passed'])
    assert.deepEqual(statuses({ duplicateSeconds: 0 }), ['warning'])
    assert.deepEqual(statuses({ lockSeconds: 5, maxDeliveryCount: 10 }), ['warning', 'warning'])
    assert.deepEqual(statuses({ sessions: true }), ['failed'])
  })
  it('come as ISO 8601 durations', () => {
    assert.deepEqual(['PT1M', 'PT30S', 'P1DT2H', 'nonsense'].map(secondsOf), [60, 30, 93_600, 0])
  })
})
