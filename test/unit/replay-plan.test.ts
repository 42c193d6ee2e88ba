import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { originOf, replayMessageId } from '../../shared/message-envelope.ts'
import type { DeadLetter } from '../../worker/replay/dead-letter.ts'
import { planReplay } from '../../worker/replay/plan.ts'

let number = 0
function letter(more: Partial<DeadLetter> = {}): DeadLetter {
  const sequence = String(++number)
  return {
    sequence,
    messageId: `m${sequence}~c2`,
    origin: `m${sequence}`,
    reason: 'AttemptsExhausted',
    dependency: 'model',
    errorCode: 'HTTP_503',
    failedAt: 0,
    enqueuedAt: 0,
    attempt: 0,
    replays: 0,
    incident: `incident-${sequence}`,
    workspace: 'w',
    state: 'active',
    ...more,
  }
}
const all = { limit: undefined, maxReplays: 5 }

describe('the plan of a replay', () => {
  it("gives each copy the contract's id: the origin and one replay more", () => {
    const { moves } = planReplay([letter({ origin: 'a', replays: 0 }), letter({ origin: 'b', replays: 2 })], all)
    assert.deepEqual(
      moves.map(({ id, origin, replays }) => [id, origin, replays]),
      [
        ['a~r1', 'a', 1],
        ['b~r3', 'b', 3],
      ],
    )
  })

  it('is the same whenever it is made: a run that lost its journal sends nothing under another id', () => {
    const letters = [letter(), letter({ origin: 'same', incident: 'x' }), letter({ origin: 'same', incident: 'y' })]
    assert.deepEqual(planReplay(letters, all), planReplay(letters, all))
  })

  it('leaves alone what was replayed as often as the ceiling says, and counts what is beyond the limit', () => {
    const letters = [letter({ replays: 5 }), letter({ replays: 4 }), letter(), letter()]
    const plan = planReplay(letters, { limit: 2, maxReplays: 5 })
    assert.deepEqual([plan.moves.length, plan.atCeiling.length, plan.beyondLimit], [2, 1, 1])
    assert.equal(planReplay(letters, { limit: undefined, maxReplays: 6 }).moves.length, 4)
  })

  it("keeps another producer's messages apart that share an id: duplicate detection would drop the second, and lose it", () => {
    const shared = { origin: 'fixed-id', messageId: 'fixed-id' }
    const [one, two, three] = planReplay(
      [letter(shared), letter(shared), letter({ ...shared, incident: undefined, workspace: undefined })],
      all,
    ).moves
    assert.equal(new Set([one?.id, two?.id, three?.id]).size, 3)
    assert.match(one?.id ?? '', /^fixed-id@\d+~r1$/)
  })

  it('lets two messages of the same incident share their id: they are one piece of work', () => {
    const same = { origin: 'g:recommended-steps', incident: 'g' }
    const { moves } = planReplay([letter(same), letter(same)], all)
    assert.deepEqual(
      moves.map((move) => move.id),
      ['g:recommended-steps~r1', 'g:recommended-steps~r1'],
    )
  })

  it('names a message without an id by its place, and keeps every id within 128 characters and readable again', () => {
    fc.assert(
      fc.property(fc.array(fc.string({ maxLength: 128 }), { maxLength: 20 }), fc.boolean(), (ids, known) => {
        const letters = ids.map((id, index) =>
          letter({ messageId: id, origin: originOf(id, undefined), incident: known ? `i${index}` : undefined }),
        )
        const { moves } = planReplay(letters, all)
        assert.equal(new Set(moves.map((move) => move.id)).size, ids.length, 'no two share an id')
        for (const move of moves) {
          assert.ok(move.id.length <= 128)
          assert.equal(replayMessageId(originOf(move.id, move.origin), move.replays), move.id)
        }
      }),
    )
  })
})
