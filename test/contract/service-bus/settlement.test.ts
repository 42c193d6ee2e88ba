import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { hasCode, next, openBroker, receiveAll, receiveOne, subscribe } from './open-broker.ts'

describe('settlement by link', () => {
  it('complete removes, abandon brings back with one delivery more and the properties', async (test) => {
    const { broker, client } = await openBroker(test)
    await client.createSender('q').sendMessages({ body: 'x', applicationProperties: { a: 1 } })
    const receiver = client.createReceiver('q')
    await receiver.abandonMessage(await receiveOne(receiver), { b: 2 })
    const again = await receiveOne(receiver)
    assert.equal(again.deliveryCount, 1)
    assert.deepEqual(again.applicationProperties, { a: 1, b: 2 })
    await receiver.completeMessage(again)
    assert.equal(broker.inspect('q').active.length, 0)
  })

  it('dead-letter keeps reason, description and properties; the subqueue has a receiver, and completes', async (test) => {
    const { broker, client } = await openBroker(test)
    await client.createSender('q').sendMessages({ body: { x: 1 }, messageId: 'm', applicationProperties: { a: 1 } })
    const receiver = client.createReceiver('q')
    await receiver.deadLetterMessage(await receiveOne(receiver), {
      deadLetterReason: 'Because',
      deadLetterErrorDescription: 'it had to be',
      'enricher-dependency': 'model',
    })
    const dlq = client.createReceiver('q', { subQueueType: 'deadLetter' })
    const message = await receiveOne(dlq)
    assert.equal(message.deadLetterReason, 'Because')
    assert.equal(message.deadLetterErrorDescription, 'it had to be')
    assert.equal(message.messageId, 'm')
    assert.deepEqual(message.body, { x: 1 })
    assert.deepEqual(message.applicationProperties, {
      a: 1,
      'enricher-dependency': 'model',
      DeadLetterReason: 'Because',
      DeadLetterErrorDescription: 'it had to be',
    })
    await dlq.completeMessage(message)
    assert.equal(broker.inspect('q').deadLettered.length, 0)
  })

  it('a dead letter cannot be dead-lettered', async (test) => {
    const { broker, client } = await openBroker(test)
    await client.createSender('q').sendMessages({ body: 1 })
    const receiver = client.createReceiver('q')
    await receiver.deadLetterMessage(await receiveOne(receiver))
    const dlq = client.createReceiver('q', { subQueueType: 'deadLetter' })
    await assert.rejects(dlq.deadLetterMessage(await receiveOne(dlq)))
    assert.equal(broker.inspect('q').deadLettered.length, 1)
  })

  it('defer hides the message until it is asked for by number, and abandoning it leaves it deferred', async (test) => {
    const { broker, client } = await openBroker(test)
    await client.createSender('q').sendMessages({ body: 'x' })
    const receiver = client.createReceiver('q')
    const message = await receiveOne(receiver)
    await receiver.deferMessage(message)
    assert.equal((await receiver.receiveMessages(1, { maxWaitTimeInMs: 300 })).length, 0)
    assert.ok(message.sequenceNumber)
    const [deferred] = await receiver.receiveDeferredMessages(message.sequenceNumber)
    assert.ok(deferred)
    await receiver.abandonMessage(deferred)
    assert.equal(broker.inspect('q').deferred.length, 1)
    const [again] = await receiver.receiveDeferredMessages(message.sequenceNumber)
    assert.ok(again)
    await receiver.completeMessage(again)
    assert.equal(broker.inspect('q').deferred.length, 0)
  })

  it('the delivery count that is too high dead-letters', async (test) => {
    const { broker, client } = await openBroker(test, { maxDeliveryCount: 2 })
    await client.createSender('q').sendMessages({ body: 'x' })
    const receiver = client.createReceiver('q')
    await receiver.abandonMessage(await receiveOne(receiver))
    await receiver.abandonMessage(await receiveOne(receiver))
    const [dead] = broker.inspect('q').deadLettered
    assert.equal(dead?.deadLetterReason, 'MaxDeliveryCountExceeded')
    assert.equal(dead?.deliveryCount, 2)
  })
})

describe('locks', () => {
  it('end by time: the message comes again, and the first holder cannot settle it', async (test) => {
    const { broker, client } = await openBroker(test, { lockDurationMs: 500 })
    await client.createSender('q').sendMessages({ body: 'x' })
    const receiver = client.createReceiver('q', { maxAutoLockRenewalDurationInMs: 0 })
    const message = await receiveOne(receiver)
    await next(broker, 'lock-expired')
    await assert.rejects(receiver.completeMessage(message), hasCode('MessageLockLost'))
    const again = await receiveOne(receiver)
    assert.equal(again.deliveryCount, 1)
    await receiver.completeMessage(again)
    assert.equal(broker.inspect('q').active.length, 0)
  })

  it('are renewed over management, and a lost one cannot be', async (test) => {
    const { broker, client } = await openBroker(test, { lockDurationMs: 800 })
    await client.createSender('q').sendMessages({ body: 'x', messageId: 'm' })
    const receiver = client.createReceiver('q', { maxAutoLockRenewalDurationInMs: 0 })
    const message = await receiveOne(receiver)
    const before = message.lockedUntilUtc?.getTime() ?? 0
    const until = await receiver.renewMessageLock(message)
    assert.ok(until.getTime() > before)
    assert.equal(broker.faults.expireLock('m'), true)
    await assert.rejects(receiver.renewMessageLock(message), hasCode('MessageLockLost'))
  })

  it('survive the connection: the message comes again only when its lock has ended', async (test) => {
    const { broker, client, connect } = await openBroker(test, { lockDurationMs: 900 })
    await client.createSender('q').sendMessages({ body: 'x' })
    await receiveOne(client.createReceiver('q', { maxAutoLockRenewalDurationInMs: 0 }))
    const lockedAt = Date.now()
    broker.faults.killConnections()
    // Closing the client while its own renewal opens the management link leaves the SDK's 45-minute token timer running.
    const again = await receiveOne(connect().createReceiver('q', { maxAutoLockRenewalDurationInMs: 0 }))
    assert.ok(Date.now() - lockedAt > 700)
    assert.equal(again.deliveryCount, 1)
  })
})

describe('settlement over management', () => {
  it('another client completes, abandons, defers and dead-letters by the lock token', async (test) => {
    const { broker, client, connect } = await openBroker(test)
    await client.createSender('q').sendMessages([{ body: 1 }, { body: 2 }, { body: 3 }, { body: 4 }])
    const receiver = client.createReceiver('q')
    const messages = await receiveAll(receiver, 4)
    const other = connect().createReceiver('q')
    const via: string[] = []
    broker.events.on('settled', (event) => via.push(`${event.outcome} ${event.via}`))
    const [first, second, third, fourth] = messages
    assert.ok(first && second && third && fourth)
    await other.completeMessage(first)
    await other.abandonMessage(second)
    await other.deferMessage(third)
    await other.deadLetterMessage(fourth, { deadLetterReason: 'R', deadLetterErrorDescription: 'D', extra: 'E' })
    assert.deepEqual(via, [
      'completed management',
      'abandoned management',
      'deferred management',
      'dead-lettered management',
    ])
    const view = broker.inspect('q')
    assert.deepEqual([view.active.length, view.deferred.length, view.deadLettered.length], [1, 1, 1])
    assert.equal(view.deadLettered[0]?.applicationProperties.extra, 'E')
    await assert.rejects(other.completeMessage(first), hasCode('MessageLockLost'))
  })
})

describe('receivers', () => {
  it('subscribe keeps to its concurrency and gets everything once, in order', async (test) => {
    const { client } = await openBroker(test)
    const bodies = Array.from({ length: 200 }, (_, index) => index)
    await client.createSender('q').sendMessages(bodies.map((body) => ({ body })))
    const received: unknown[] = []
    let [running, most, done] = [0, 0, 0]
    const all = Promise.withResolvers<void>()
    subscribe(
      client.createReceiver('q'),
      5,
      async ({ body }) => {
        most = Math.max(most, ++running)
        received.push(body)
        await new Promise((resolve) => setImmediate(resolve))
        running--
      },
      () => {
        if (++done === bodies.length) all.resolve()
      },
    )
    await all.promise
    assert.deepEqual(received, bodies)
    assert.ok(most <= 5, `${most}`)
  })

  it('receiveMessages drains what credit is left, so that nothing is locked unseen', async (test) => {
    const { broker, client } = await openBroker(test)
    const receiver = client.createReceiver('q')
    const started = Date.now()
    assert.equal((await receiver.receiveMessages(10, { maxWaitTimeInMs: 200 })).length, 0)
    assert.ok(Date.now() - started < 1_500)
    await client.createSender('q').sendMessages([{ body: 1 }, { body: 2 }])
    assert.equal(broker.inspect('q').active.filter((one) => one.lockedUntil).length, 0)
    assert.equal((await receiver.receiveMessages(2, { maxWaitTimeInMs: 2_000 })).length, 2)
  })

  it('receive-and-delete removes on delivery', async (test) => {
    const { broker, client } = await openBroker(test)
    await client.createSender('q').sendMessages({ body: 1 })
    await receiveOne(client.createReceiver('q', { receiveMode: 'receiveAndDelete' }))
    assert.equal(broker.inspect('q').active.length, 0)
  })

  it('two receivers share the messages', async (test) => {
    const { client, connect } = await openBroker(test)
    const counts = [0, 0]
    let done = 0
    const all = Promise.withResolvers<void>()
    for (const [index, one] of [client, connect()].entries()) {
      subscribe(
        one.createReceiver('q'),
        2,
        async () => {
          counts[index] = (counts[index] ?? 0) + 1
          await new Promise((resolve) => setTimeout(resolve, 5))
        },
        () => {
          if (++done === 60) all.resolve()
        },
      )
    }
    await client.createSender('q').sendMessages(Array.from({ length: 60 }, (_, body) => ({ body })))
    await all.promise
    assert.ok(Math.min(...counts) > 5, counts.join(' and '))
  })
})

describe('volume', () => {
  it('nine thousand messages through one link, more than any ring of deliveries holds, come once each', async (test) => {
    const { broker, client } = await openBroker(test)
    const count = 9_000
    const sender = client.createSender('q')
    for (let sent = 0; sent < count; sent += 1_500) {
      await sender.sendMessages(Array.from({ length: 1_500 }, (_, index) => ({ body: sent + index })))
    }
    const seen = new Set<unknown>()
    let deliveries = 0
    const all = Promise.withResolvers<void>()
    subscribe(
      client.createReceiver('q', { maxAutoLockRenewalDurationInMs: 0 }),
      100,
      ({ body }) => void seen.add(body),
      () => {
        if (++deliveries === count) all.resolve()
      },
    )
    await all.promise
    assert.equal(seen.size, count)
    assert.equal(broker.inspect('q').active.length, 0)
  })
})
