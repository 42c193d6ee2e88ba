import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { Fleet } from '../harness/fleet.ts'
import { addIncidents, type TestIncident } from '../harness/incidents.ts'
import { assertEnrichedOnce, queueEmpty } from '../harness/verdict.ts'

/** Messages that no worker can make sense of, of every shape. */
const poison: unknown[] = [
  '',
  'not an ARM id',
  '{"incidentArmId": 7}',
  Buffer.from([0xff, 0xfe, 0x00, 0x80]),
  { object: { id: '/subscriptions/x' } },
  'x'.repeat(100_000),
  '[[[[[[[[[[[[[[[[[[[[',
  null,
]

describe('messages that do not go as they should', { timeout: 120_000 }, () => {
  let fleet: Fleet
  before(async () => {
    fleet = await Fleet.open({ moreQueues: ['poison'] })
  })
  after(() => fleet.close())

  it('one stuck incident stops no other slot, not after 2,047 more deliveries either, and ends well itself', async () => {
    const { stack } = fleet
    const [stuck] = addIncidents(stack, 1)
    assert.ok(stuck)
    const hold = stack.model.faults.hold(stuck.marker)
    const worker = fleet.start({ CONCURRENCY: '4' })
    const asked = new Promise<void>((resolve) => stack.model.events.once('request', () => resolve()))
    await fleet.send([stuck.armId])
    await asked
    // Refused without any call, so 3,000 deliveries take seconds.
    await fleet.send(Array.from({ length: 3_000 }, (_, index) => `no ARM id ${index}`))
    const last = await fleet.sendNew(8)
    await worker.settled(3_000 + last.length)
    assert.equal(hold.waiting, 1, 'the stuck one is still there')
    // Without the receiver's timely replacement only the watch on a silent receiver would end the stall, seconds later.
    assert.ok(!worker.lines.some((line) => String(line.msg).startsWith('messages wait')), 'the receiver stalled')
    assertEnrichedOnce(stack, last)
    hold.release()
    await queueEmpty(stack)
    assertEnrichedOnce(stack, [stuck])
    assert.equal(stack.broker.inspect('incidents').deadLettered.length, 3_000)
    assert.equal(await worker.stop(), 0)
  })

  it('a poison message at every position of a batch: it alone is dead-lettered', async () => {
    const { stack } = fleet
    fleet.start({ CONCURRENCY: '4', SERVICEBUS_QUEUE: 'poison' })
    const good: TestIncident[] = []
    for (let position = 0; position < 8; position++) {
      const incidents = addIncidents(stack, 7)
      good.push(...incidents)
      const bodies: unknown[] = incidents.map(({ armId }) => armId)
      bodies.splice(position, 0, poison[position])
      await fleet.send(bodies, 'poison')
    }
    await queueEmpty(stack, 'poison')
    assertEnrichedOnce(stack, good)
    const letters = stack.broker.inspect('poison').deadLettered
    assert.deepEqual(
      letters.map((letter) => letter.deadLetterReason),
      poison.map(() => 'InvalidMessage'),
    )
  })
})
