import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { DeadLetter } from '../../worker/replay/dead-letter.ts'
import { compareSequences } from '../../worker/replay/dead-letter.ts'
import { readDuration, readMoment, readSelection, selects, selectsAll } from '../../worker/replay/selection.ts'

const now = Date.parse('2026-03-01T12:00:00Z')
const workspace = '/subscriptions/S1/resourceGroups/rg-soc/providers/Microsoft.OperationalInsights/workspaces/law-soc'

function letter(more: Partial<DeadLetter> = {}): DeadLetter {
  return {
    sequence: '10',
    messageId: 'a~c1',
    origin: 'a',
    reason: 'AccessDenied',
    dependency: 'sentinel',
    errorCode: 'AuthorizationFailed',
    failedAt: now - 3_600_000,
    enqueuedAt: now - 7_200_000,
    attempt: 1,
    replays: 0,
    incident: '73e01a99-5cd7-4139-a149-9f2736ff2ab5',
    workspace,
    state: 'active',
    ...more,
  }
}

const fits = (options: Parameters<typeof readSelection>[0], more: Partial<DeadLetter> = {}) =>
  selects(readSelection(options, now), letter(more))

describe('which dead letters are meant', () => {
  it('all of them when nothing is said, another producer’s included', () => {
    assert.ok(selectsAll(readSelection({}, now)))
    assert.ok(fits({}, { incident: undefined, workspace: undefined, reason: 'none', dependency: '' }))
  })
  it('by reason, dependency and code, in any case, any of several', () => {
    assert.ok(fits({ reason: ['accessdenied'], dependency: ['Sentinel'], errorCode: ['AUTHORIZATIONFAILED'] }))
    assert.ok(fits({ reason: ['ContentFiltered', 'AccessDenied'] }))
    assert.ok(!fits({ reason: ['AccessDenied'], dependency: ['model'] }))
  })
  it('by workspace: its ARM id in any case, or its whole name', () => {
    assert.ok(fits({ workspace: [workspace.toUpperCase()] }))
    assert.ok(fits({ workspace: ['LAW-soc'] }))
    assert.ok(!fits({ workspace: ['soc'] }))
    assert.ok(!fits({ workspace: ['law-soc'] }, { workspace: undefined }))
    assert.throws(() => readSelection({ workspace: ['a b'] }, now), RangeError)
  })
  it('by incident: GUID or ARM id', () => {
    const guid = '73E01A99-5cd7-4139-a149-9f2736ff2ab5'
    assert.ok(fits({ incident: [guid] }))
    assert.ok(fits({ incident: [`${workspace}/providers/Microsoft.SecurityInsights/incidents/${guid}`] }))
    assert.ok(!fits({ incident: [guid.replace('73', '74')] }))
  })
  it('by sequence number, also one that a number could not hold', () => {
    assert.ok(fits({ sequence: ['9007199254740993'] }, { sequence: '9007199254740993' }))
    assert.ok(!fits({ sequence: ['9007199254740993'] }, { sequence: '9007199254740992' }))
    assert.ok(fits({ sequence: ['1,0010'] }), 'leading zeros, and a list with commas')
    assert.throws(() => readSelection({ sequence: ['-1'] }, now), RangeError)
  })
  it('by the time of death: an age, or a time that is UTC unless it says otherwise', () => {
    assert.ok(fits({ before: '30m' }))
    assert.ok(!fits({ before: '2h' }))
    assert.ok(fits({ after: '2h', before: '2026-03-01T11:00:01Z' }))
    assert.equal(readMoment('2026-03-01 11:00', now), Date.parse('2026-03-01T11:00:00Z'))
    assert.equal(readMoment('2026-03-01', now), Date.parse('2026-03-01T00:00:00Z'))
    assert.equal(readMoment('2026-03-01T11:00+02:00', now), Date.parse('2026-03-01T09:00:00Z'))
    assert.equal(readMoment('1.5h', now), now - 5_400_000)
    for (const wrong of ['yesterday', '2h ago', '2026-13-01', ''])
      assert.throws(() => readMoment(wrong, now), RangeError)
    assert.equal(readDuration('7d'), 604_800_000)
    assert.throws(() => readSelection({ before: '2h', after: '1h' }, now), /--after is not before --before/)
  })
})

describe('sequence numbers', () => {
  it('are compared by value whatever their length', () => {
    const sorted = ['9', '10', '9007199254740993', '9007199254740992'].sort(compareSequences)
    assert.deepEqual(sorted, ['9', '10', '9007199254740992', '9007199254740993'])
  })
})
