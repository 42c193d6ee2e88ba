import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { hasCode, openBroker, receiveAll, receiveOne } from './open-broker.ts'

describe('sender', () => {
  it('a message comes out as it went in: body, properties, content type, ids', async (test) => {
    const { client } = await openBroker(test)
    await client.createSender('q').sendMessages({
      body: { a: [1, 'ü'] },
      messageId: 'm1',
      contentType: 'application/json',
      correlationId: 'c1',
      subject: 's',
      applicationProperties: { n: 3, t: 'x', b: true },
    })
    const message = await receiveOne(client.createReceiver('q'))
    assert.deepEqual(message.body, { a: [1, 'ü'] })
    assert.deepEqual(message.applicationProperties, { n: 3, t: 'x', b: true })
    assert.equal(message.messageId, 'm1')
    assert.equal(message.contentType, 'application/json')
    assert.equal(message.correlationId, 'c1')
    assert.equal(message.subject, 's')
    assert.equal(message.deliveryCount, 0)
    assert.equal(message.sequenceNumber?.toString(), '1')
    assert.ok(Math.abs((message.enqueuedTimeUtc?.getTime() ?? 0) - Date.now()) < 10_000)
    assert.ok((message.lockedUntilUtc?.getTime() ?? 0) > Date.now())
  })

  it('bodies of every kind survive: bytes, text, numbers, AMQP values and sequences', async (test) => {
    const { client } = await openBroker(test)
    const sender = client.createSender('q')
    await sender.sendMessages([
      { body: Buffer.from([0, 255, 1]) },
      { body: 'plain' },
      { body: 42 },
      { body: 'value', bodyType: 'value' },
      { body: [[1, 'two']], bodyType: 'sequence' },
      { body: null },
    ])
    const receiver = client.createReceiver('q', { receiveMode: 'receiveAndDelete' })
    const bodies = (await receiveAll(receiver, 6)).map((one) => one.body)
    assert.deepEqual(bodies[0], Buffer.from([0, 255, 1]))
    assert.deepEqual(bodies.slice(1), ['plain', 42, 'value', [[1, 'two']], null])
  })

  it('a message without an id gets one, in batches of one as of many', async (test) => {
    const { client } = await openBroker(test)
    const sender = client.createSender('q')
    await sender.sendMessages({ body: 'a' })
    await sender.sendMessages([{ body: 'b' }])
    const batch = await sender.createMessageBatch()
    for (let index = 0; index < 50; index++) assert.equal(batch.tryAddMessage({ body: `c${index}` }), true)
    await sender.sendMessages(batch)
    const receiver = client.createReceiver('q', { receiveMode: 'receiveAndDelete' })
    const received = await receiveAll(receiver, 52)
    assert.equal(new Set(received.map((one) => one.messageId)).size, 52)
    assert.deepEqual(
      received.slice(0, 3).map((one) => one.body),
      ['a', 'b', 'c0'],
    )
  })

  it('a message above the limit is refused, and the sender goes on', async (test) => {
    const { broker, client } = await openBroker(test, { maxMessageBytes: 10_000 })
    const sender = client.createSender('q')
    await assert.rejects(sender.sendMessages({ body: 'x'.repeat(20_000) }), { code: 'MessageSizeExceeded' })
    await sender.sendMessages({ body: 'small' })
    assert.equal(broker.inspect('q').active.length, 1)
    assert.equal((await sender.createMessageBatch()).maxSizeInBytes, 10_000)
  })

  it('a scheduled message above the limit is refused too', async (test) => {
    const { broker, client } = await openBroker(test, { maxMessageBytes: 10_000 })
    const sender = client.createSender('q')
    const due = new Date(Date.now() + 60_000)
    await assert.rejects(sender.scheduleMessages({ body: 'x'.repeat(20_000) }, due), hasCode('MessageSizeExceeded'))
    assert.equal(broker.inspect('q').scheduled.length, 0)
  })

  it('what a receiver adds leaves the other properties and the body as they were, whatever their types', async (test) => {
    const { client } = await openBroker(test)
    const applicationProperties = {
      whole: 3,
      half: 0.5,
      big: 2 ** 40,
      negative: -7,
      when: new Date(86_400_000),
      no: false,
    }
    await client.createSender('q').sendMessages({ body: Buffer.from([0, 1, 255]), applicationProperties })
    const receiver = client.createReceiver('q')
    // The SDK itself gives dates back as numbers.
    const first = await receiveOne(receiver)
    assert.deepEqual(first.applicationProperties, { ...applicationProperties, when: 86_400_000 })
    await receiver.abandonMessage(first, { whole: 'replaced', added: 1 })
    const again = await receiveOne(receiver)
    assert.deepEqual(again.applicationProperties, { ...first.applicationProperties, whole: 'replaced', added: 1 })
    assert.deepEqual(again.body, Buffer.from([0, 1, 255]))
  })

  it('a queue that does not exist is told', async (test) => {
    const { client } = await openBroker(test)
    await assert.rejects(client.createSender('nope').sendMessages({ body: 1 }), hasCode('MessagingEntityNotFound'))
  })

  it('the same id within the window is dropped, scheduled copies included', async (test) => {
    const { broker, client } = await openBroker(test, { duplicateDetectionWindowMs: 60_000 })
    const sender = client.createSender('q')
    await sender.sendMessages([
      { body: 1, messageId: 'a' },
      { body: 2, messageId: 'a' },
      { body: 3, messageId: 'b' },
    ])
    await sender.scheduleMessages({ body: 4, messageId: 'c' }, new Date(Date.now() + 60_000))
    await sender.scheduleMessages({ body: 5, messageId: 'c' }, new Date(Date.now() + 60_000))
    assert.equal(broker.inspect('q').active.length, 2)
    assert.equal(broker.inspect('q').scheduled.length, 1)
  })
})

describe('schedule', () => {
  it('a scheduled message comes when its time has come, and cannot be received before', async (test) => {
    const { broker, client } = await openBroker(test)
    const sender = client.createSender('q')
    const due = Date.now() + 700
    await sender.scheduleMessages({ body: 'later' }, new Date(due))
    await sender.sendMessages({ body: 'annotated', scheduledEnqueueTimeUtc: new Date(due + 50) })
    assert.equal(broker.inspect('q').scheduled.length, 2)
    const message = await receiveOne(client.createReceiver('q', { receiveMode: 'receiveAndDelete' }))
    assert.equal(message.body, 'later')
    assert.ok(Date.now() >= due)
    assert.equal(message.scheduledEnqueueTimeUtc?.getTime(), due)
    assert.equal(message.state, 'scheduled', 'as the service, which does not forget it')
  })

  it('a cancelled one never comes', async (test) => {
    const { broker, client } = await openBroker(test)
    const sender = client.createSender('q')
    const [number] = await sender.scheduleMessages([{ body: 'x' }], new Date(Date.now() + 60_000))
    assert.ok(number)
    await sender.cancelScheduledMessages(number)
    assert.equal(broker.inspect('q').scheduled.length, 0)
  })
})

describe('time to live', () => {
  it('an expired message is dead-lettered where the queue says so', async (test) => {
    const { broker, client } = await openBroker(test, { deadLetterOnExpiration: true })
    const dead = new Promise((resolve) => broker.events.once('dead-lettered', resolve))
    await client.createSender('q').sendMessages({ body: 'x', timeToLive: 300 })
    await dead
    const [message] = broker.inspect('q').deadLettered
    assert.equal(message?.deadLetterReason, 'TTLExpiredException')
  })
})

describe('peek', () => {
  it('shows active, locked, deferred and scheduled messages without locking any', async (test) => {
    const { broker, client } = await openBroker(test)
    const sender = client.createSender('q')
    await sender.sendMessages([{ body: 'a' }, { body: 'b' }, { body: 'c' }])
    await sender.scheduleMessages({ body: 'd' }, new Date(Date.now() + 60_000))
    const receiver = client.createReceiver('q')
    const first = await receiveOne(receiver)
    const second = await receiveOne(receiver)
    await receiver.deferMessage(second)
    const peeked = await receiver.peekMessages(10)
    assert.deepEqual(
      peeked.map((one) => [one.body, one.state]),
      [
        ['a', 'active'],
        ['b', 'deferred'],
        ['c', 'active'],
        ['d', 'scheduled'],
      ],
    )
    await receiver.completeMessage(first)
    assert.equal(broker.inspect('q').active.length, 1)
    assert.equal((await receiver.peekMessages(10)).length, 0, 'a receiver goes on where its last peek ended')
  })
})
