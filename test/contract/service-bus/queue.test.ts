import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import rhea from 'rhea'
import { readMessage } from '../../../deploy/local/service-bus/message-codec.ts'
import { Queue } from '../../../deploy/local/service-bus/queue.ts'
import type { QueueSettings } from '../../../deploy/local/service-bus/queue-settings.ts'
import type { StoredMessage } from '../../../deploy/local/service-bus/stored-message.ts'

describe('queue semantics by the clock', () => {
  it('an abandoned message is available again at once, at its place', async (test) => {
    const { queue, take } = open(test)
    for (const id of ['a', 'b', 'c']) queue.accept(message(id))
    const [a, b] = await take(2)
    queue.settle(tokenOf(b), 'abandoned', 'link')
    queue.settle(tokenOf(a), 'abandoned', 'link')
    assert.deepEqual(idsOf(await take(3)), ['a', 'b', 'c'])
  })

  it('a lock ends at its time and not before; a renewal counts from when it is made', async (test) => {
    const { queue, take, pass } = open(test, { lockDurationMs: 1_000 })
    queue.accept(message('a'))
    const [a] = await take(1)
    const token = tokenOf(a)
    pass(600)
    assert.equal(queue.renew(token), Date.now() + 1_000)
    pass(999)
    assert.deepEqual(await take(1), [])
    pass(1)
    assert.throws(() => queue.settle(token, 'completed', 'link'), { condition: 'com.microsoft:message-lock-lost' })
    assert.throws(() => queue.renew(token), { condition: 'com.microsoft:message-lock-lost', status: 410 })
    const [again] = await take(1)
    assert.equal(again?.deliveryCount, 1)
    assert.notEqual(tokenOf(again), token)
  })

  it('a settlement that comes before a late timer, but after the end of the lock, is refused', async (test) => {
    const { queue, take } = open(test, { lockDurationMs: 1_000 })
    queue.accept(message('a'))
    const [a] = await take(1)
    // The clock goes on and no timer fires, as in a process that is too busy.
    test.mock.timers.setTime(Date.now() + 1_000)
    assert.throws(() => queue.settle(tokenOf(a), 'completed', 'link'), { condition: 'com.microsoft:message-lock-lost' })
  })

  it('a message that was settled before there was credit for its second delivery is not delivered again', async (test) => {
    const { queue, take } = open(test)
    queue.deliverTwice(1)
    queue.accept(message('a'))
    const [a] = await take(1)
    queue.settle(tokenOf(a), 'completed', 'link')
    queue.accept(message('b'))
    queue.accept(message('c'))
    assert.deepEqual(idsOf(await take(5)), ['b', 'b', 'c'])
  })

  it('lost locks count as deliveries, and the last one dead-letters', async (test) => {
    const { queue, take, pass } = open(test, { lockDurationMs: 1_000, maxDeliveryCount: 3 })
    queue.accept(message('a'))
    for (const count of [0, 1, 2]) {
      assert.equal((await take(1))[0]?.deliveryCount, count)
      pass(1_000)
    }
    assert.deepEqual([queue.size, queue.deadLetters?.size], [0, 1])
  })

  it('a scheduled message is enqueued when due: a new number, after those that were sent before, its life starting then', async (test) => {
    const { queue, take, pass, told } = open(test)
    const scheduled = queue.accept(message('later', { dueInMs: 5_000, ttlMs: 1_000 }))
    queue.accept(message('now'))
    pass(4_999)
    assert.deepEqual(idsOf(await take(1)), ['now'])
    assert.deepEqual(await take(1), [])
    queue.accept(message('sent meanwhile'))
    pass(1)
    assert.throws(() => queue.cancelScheduled(scheduled), { condition: 'com.microsoft:message-not-found' })
    const got = await take(2)
    assert.deepEqual(idsOf(got), ['sent meanwhile', 'later'])
    assert.ok((got[1]?.sequence ?? 0) > scheduled)
    assert.deepEqual(told('enqueued'), ['now', 'sent meanwhile', 'later'])
  })

  it('an unlocked message expires at its time, a locked one when it comes back, a deferred one never', async (test) => {
    const { queue, take, pass, told } = open(test, { lockDurationMs: 5_000 })
    for (const id of ['locked', 'deferred', 'waiting']) queue.accept(message(id, { ttlMs: 1_000 }))
    const [locked, deferred] = await take(2)
    queue.settle(tokenOf(deferred), 'deferred', 'link')
    pass(1_000)
    assert.deepEqual(told('expired'), ['waiting'])
    queue.settle(tokenOf(locked), 'abandoned', 'link')
    assert.deepEqual(told('expired'), ['waiting', 'locked'])
    assert.deepEqual(idsOf(queue.receiveDeferred([deferred?.sequence ?? 0], true)), ['deferred'])
  })

  it("the queue's time to live bounds the sender's, and a dead letter has none", async (test) => {
    const { queue, pass } = open(test, { defaultTimeToLiveMs: 1_000, deadLetterOnExpiration: true })
    queue.accept(message('a', { ttlMs: 60_000 }))
    pass(1_000)
    assert.deepEqual([queue.size, queue.deadLetters?.size], [0, 1])
    pass(3_600_000)
    assert.equal(queue.deadLetters?.size, 1)
  })

  it('an id is remembered for the window, whatever became of its message', async (test) => {
    const { queue, take, pass } = open(test, { duplicateDetectionWindowMs: 10_000 })
    assert.equal(queue.accept(message('a')), 1)
    const [a] = await take(1)
    queue.settle(tokenOf(a), 'completed', 'link')
    queue.cancelScheduled(queue.accept(message('b', { dueInMs: 60_000 })))
    pass(9_999)
    assert.equal(queue.accept(message('a')), 0)
    assert.equal(queue.accept(message('b')), 0)
    pass(1)
    assert.ok(queue.accept(message('a')) > 0)
  })

  it('several deferred messages are received all together or not at all', async (test) => {
    const { queue, take } = open(test)
    queue.accept(message('a'))
    const [a] = await take(1)
    queue.settle(tokenOf(a), 'deferred', 'link')
    const sequence = a?.sequence ?? 0
    assert.throws(() => queue.receiveDeferred([sequence, 99], true), { condition: 'com.microsoft:message-not-found' })
    assert.equal(queue.receiveDeferred([sequence], true).length, 1)
    assert.throws(() => queue.receiveDeferred([sequence], true), { condition: 'com.microsoft:message-not-found' })
  })

  it('a dead letter has a new number, keeps its delivery count, and abandoning it counts nothing', async (test) => {
    const { queue, take } = open(test)
    queue.accept(message('a'))
    const [first] = await take(1)
    queue.settle(tokenOf(first), 'abandoned', 'link')
    const [second] = await take(1)
    queue.settle(tokenOf(second), 'dead-lettered', 'management', { reason: 'R', properties: { more: 1 } })
    const { deadLetters } = queue
    assert.ok(deadLetters)
    const [dead] = await taking(deadLetters)(1)
    assert.ok((dead?.sequence ?? 0) > (second?.sequence ?? 0))
    assert.equal(dead?.deliveryCount, 1)
    deadLetters.settle(tokenOf(dead), 'abandoned', 'link')
    assert.equal((await taking(deadLetters)(1))[0]?.deliveryCount, 1)
  })

  it('a hundred thousand waiting messages slow down neither delivery nor peeking', async (test) => {
    const { queue } = open(test, { duplicateDetectionWindowMs: 600_000 })
    const one = message('m', { ttlMs: 86_400_000 })
    for (let index = 0; index < 100_000; index++) queue.accept({ ...one, messageId: `m${index}` })
    const started = performance.now()
    const wanted = 20_000
    const done = Promise.withResolvers<void>()
    let settled = 0
    const leave = queue.subscribe({
      peekLock: true,
      credit: () => (settled < wanted ? 1 : 0),
      deliver: (stored) => {
        queue.settle(tokenOf(stored), settled % 2 === 0 ? 'completed' : 'dead-lettered', 'link')
        if (++settled === wanted) done.resolve()
      },
    })
    await done.promise
    leave()
    let seen = 0
    for (let from = 0; seen < 80_000; seen += 100) from = (queue.peek(from, 100).at(-1)?.sequence ?? 0) + 1
    // One scan of the queue per delivery would take minutes.
    assert.ok(performance.now() - started < 5_000, `${performance.now() - started} ms`)
  })
})

function open(test: TestContext, settings: Partial<QueueSettings> = {}) {
  test.mock.timers.enable({ apis: ['setTimeout', 'Date'], now: 1_000_000 })
  const queue = new Queue({ name: 'q', ...settings })
  test.after(() => queue.close())
  const heard: [string, string][] = []
  for (const name of ['enqueued', 'expired'] as const)
    queue.events.on(name, (event) => heard.push([name, event.messageId]))
  return {
    queue,
    take: taking(queue),
    pass: (ms: number) => test.mock.timers.tick(ms),
    told: (name: string) => heard.filter(([kind]) => kind === name).map(([, id]) => id),
  }
}

/** Takes up to so many messages as one receiver with that credit, which then leaves. */
function taking(queue: Queue): (count: number) => Promise<StoredMessage[]> {
  return async (count) => {
    const got: StoredMessage[] = []
    const leave = queue.subscribe({
      peekLock: true,
      credit: () => count - got.length,
      deliver: (stored) => got.push({ ...stored }),
    })
    await new Promise((resolve) => setImmediate(resolve))
    leave()
    return got
  }
}

function message(id: string, { dueInMs, ttlMs }: { dueInMs?: number; ttlMs?: number } = {}) {
  const due = dueInMs === undefined ? undefined : rhea.types.wrap_timestamp(Date.now() + dueInMs)
  return readMessage(
    rhea.message.encode({
      message_id: id,
      body: rhea.message.data_section(Buffer.from('x')),
      ...(ttlMs === undefined ? {} : { ttl: ttlMs }),
      ...(due === undefined ? {} : { message_annotations: { 'x-opt-scheduled-enqueue-time': due } }),
    }) as Buffer,
  )
}

function tokenOf(stored: StoredMessage | undefined): string {
  assert.ok(stored?.lock)
  return stored.lock.token
}

function idsOf(messages: StoredMessage[]): string[] {
  return messages.map((one) => one.messageId)
}
