import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { ServiceBusReceivedMessage } from '@azure/service-bus'
import { hasCode, next, openBroker, receiveAll, receiveOne, subscribe } from './open-broker.ts'

const noRenewal = { maxAutoLockRenewalDurationInMs: 0 }

describe('fault switches', () => {
  it('killConnections: a dead receiver keeps its lock, gets nothing more, and its client comes back', async (test) => {
    const { broker, client, connect } = await openBroker(test, { lockDurationMs: 900 })
    const got: ServiceBusReceivedMessage[] = []
    const second = Promise.withResolvers<void>()
    client.createReceiver('q', noRenewal).subscribe(
      {
        processMessage: async (message) => {
          if (got.push(message) === 2) second.resolve()
          // Never settled: this holder is gone before it could.
          await new Promise<void>((resolve) => test.signal.addEventListener('abort', () => resolve()))
        },
        processError: async () => undefined,
      },
      { maxConcurrentCalls: 10, autoCompleteMessages: false },
    )
    const sender = connect().createSender('q')
    const delivered = next(broker, 'delivered')
    await sender.sendMessages({ body: 'held', messageId: 'held' })
    await delivered
    broker.faults.refuseConnections(60_000)
    broker.faults.killConnections()
    // Sent while the receiver's credit of nine is still on the dead link.
    broker.faults.refuseConnections(0)
    const locked = broker.inspect('q').active.map((one) => one.lockedUntil !== undefined)
    assert.deepEqual(locked, [true], 'the lock outlives the connection')
    const expired = await next(broker, 'lock-expired')
    assert.equal(expired.messageId, 'held')
    await second.promise
    assert.equal(got[1]?.deliveryCount, 1, 'one lock was lost, not several')
  })

  it('refuseConnections: nobody gets in until it ends', async (test) => {
    const { broker, client, connect } = await openBroker(test)
    broker.faults.refuseConnections(60_000)
    await assert.rejects(connect({ maxRetries: 0 }).createSender('q').sendMessages({ body: 1 }))
    assert.equal(broker.inspect('q').active.length, 0)
    broker.faults.refuseConnections(0)
    await client.createSender('q').sendMessages({ body: 1 })
  })

  it('halfOpen: a send times out, and arrives all the same when the network is back', async (test) => {
    const { broker, connect } = await openBroker(test)
    const sender = connect({ maxRetries: 0, timeoutInMs: 400 }).createSender('q')
    await sender.sendMessages({ body: 'before' })
    broker.faults.halfOpen(true)
    await assert.rejects(sender.sendMessages({ body: 'during' }), hasCode('ServiceTimeout'))
    await assert.rejects(connect({ maxRetries: 0, timeoutInMs: 400 }).createSender('q').sendMessages({ body: 'new' }))
    assert.equal(broker.inspect('q').active.length, 1)
    const enqueued = next(broker, 'enqueued')
    broker.faults.halfOpen(false)
    await enqueued
    await sender.sendMessages({ body: 'after' })
    assert.equal(broker.inspect('q').active.length, 3)
  })

  it('halfOpen: what the broker delivers meanwhile arrives when the network is back', async (test) => {
    const { broker, client } = await openBroker(test)
    let completed = Promise.withResolvers<ServiceBusReceivedMessage>()
    // Of its two credits, one is still at the broker when the first message has come.
    subscribe(
      client.createReceiver('q', noRenewal),
      2,
      () => undefined,
      (message) => completed.resolve(message),
    )
    const sender = client.createSender('q')
    await sender.sendMessages({ body: 'first' })
    await completed.promise
    completed = Promise.withResolvers()
    await sender.scheduleMessages({ body: 'due' }, new Date(Date.now() + 300))
    const delivered = next(broker, 'delivered')
    broker.faults.halfOpen(true)
    await delivered
    broker.faults.halfOpen(false)
    const message = await completed.promise
    assert.deepEqual([message.body, message.deliveryCount], ['due', 0])
  })

  it('halfOpen, then killConnections: what was held back is lost', async (test) => {
    const { broker, connect } = await openBroker(test)
    const sender = connect({ maxRetries: 0, timeoutInMs: 400 }).createSender('q')
    await sender.sendMessages({ body: 'before' })
    broker.faults.halfOpen(true)
    await assert.rejects(sender.sendMessages({ body: 'during' }))
    broker.faults.killConnections()
    broker.faults.halfOpen(false)
    await connect().createSender('q').sendMessages({ body: 'after' })
    assert.equal(broker.inspect('q').active.length, 2)
  })

  it('detachReceivers: a subscription attaches anew and goes on', async (test) => {
    const { broker, client, connect } = await openBroker(test)
    const bodies: unknown[] = []
    let completed = Promise.withResolvers<void>()
    subscribe(
      client.createReceiver('q', noRenewal),
      1,
      ({ body }) => void bodies.push(body),
      () => completed.resolve(),
    )
    const sender = connect().createSender('q')
    await sender.sendMessages({ body: 1 })
    await completed.promise
    completed = Promise.withResolvers()
    broker.faults.detachReceivers()
    await sender.sendMessages({ body: 2 })
    await completed.promise
    assert.deepEqual(bodies, [1, 2])
  })

  it('delayDispositions: a completion takes as long, and one of a connection that ended never arrives', async (test) => {
    const { broker, connect } = await openBroker(test)
    const client = connect({ timeoutInMs: 700 })
    await client.createSender('q').sendMessages([{ body: 1 }, { body: 2 }])
    const receiver = client.createReceiver('q', noRenewal)
    const [first, second] = await receiveAll(receiver, 2)
    assert.ok(first && second)
    broker.faults.delayDispositions(300)
    const started = performance.now()
    await receiver.completeMessage(first)
    assert.ok(performance.now() - started >= 295)
    broker.faults.delayDispositions(500)
    const ways: string[] = []
    broker.events.on('settled', ({ via }) => ways.push(via))
    const completion = receiver.completeMessage(second)
    // An answer to a later request on the connection proves that the completion has reached the broker.
    await receiver.peekMessages(1)
    broker.faults.killConnections()
    await completion
    assert.deepEqual(ways, ['management'], 'the client tried again, and its link was gone')
  })

  it('delayDispositions of the answer: the message is gone before the client knows', async (test) => {
    const { broker, client } = await openBroker(test)
    await client.createSender('q').sendMessages({ body: 1 })
    const receiver = client.createReceiver('q', noRenewal)
    const message = await receiveOne(receiver)
    broker.faults.delayDispositions(400, 'answer')
    let known = false
    const settled = next(broker, 'settled')
    const completion = receiver.completeMessage(message).then(() => {
      known = true
    })
    await settled
    assert.equal(broker.inspect('q').active.length, 0)
    assert.equal(known, false)
    await completion
  })

  it('failRenewals: the next renewals are refused, the one after them is not', async (test) => {
    const { broker, connect } = await openBroker(test)
    const client = connect({ maxRetries: 0 })
    await client.createSender('q').sendMessages({ body: 1 })
    const receiver = client.createReceiver('q', noRenewal)
    const message = await receiveOne(receiver)
    broker.faults.failRenewals(1)
    await assert.rejects(receiver.renewMessageLock(message), hasCode('ServiceBusy'))
    broker.faults.failRenewals(1, 'com.microsoft:message-lock-lost')
    await assert.rejects(receiver.renewMessageLock(message), hasCode('MessageLockLost'))
    await receiver.renewMessageLock(message)
    await receiver.completeMessage(message)
  })

  it('expireLock: the message is there again at once, and its holder cannot settle it', async (test) => {
    const { broker, client, connect } = await openBroker(test)
    await client.createSender('q').sendMessages({ body: 1, messageId: 'm' })
    const receiver = client.createReceiver('q', noRenewal)
    const message = await receiveOne(receiver)
    assert.equal(broker.faults.expireLock('another'), false)
    assert.equal(broker.faults.expireLock('m'), true)
    await assert.rejects(receiver.completeMessage(message), hasCode('MessageLockLost'))
    const again = await receiveOne(connect().createReceiver('q', noRenewal))
    assert.equal(again.deliveryCount, 1)
    assert.equal(broker.faults.expireLock(again.sequenceNumber?.toNumber() ?? 0), true)
  })

  it('deliverTwice: two handlers hold one message, and the second settlement is refused', async (test) => {
    const { broker, client } = await openBroker(test)
    broker.faults.deliverTwice()
    await client.createSender('q').sendMessages({ body: 1, messageId: 'm' })
    const receiver = client.createReceiver('q', noRenewal)
    const [first, second] = await receiveAll(receiver, 2)
    assert.ok(first && second)
    assert.deepEqual([first.messageId, second.messageId], ['m', 'm'])
    assert.deepEqual([first.deliveryCount, second.deliveryCount], [0, 0])
    await receiver.completeMessage(first)
    await assert.rejects(receiver.completeMessage(second), hasCode('MessageLockLost'))
    assert.equal(broker.inspect('q').active.length, 0)
  })

  it('deliverTwice waits for a second credit', async (test) => {
    const { broker, client, connect } = await openBroker(test)
    broker.faults.deliverTwice()
    await client.createSender('q').sendMessages({ body: 1 })
    const first = await receiveOne(client.createReceiver('q', noRenewal))
    const second = await receiveOne(connect().createReceiver('q', noRenewal))
    assert.equal(second.messageId, first.messageId)
    assert.equal((await connect().createReceiver('q').receiveMessages(1, { maxWaitTimeInMs: 200 })).length, 0)
  })

  it('serverBusy: sends and management are refused, settlement by link is not', async (test) => {
    const { broker, client, connect } = await openBroker(test)
    const impatient = connect({ maxRetries: 0 })
    await client.createSender('q').sendMessages({ body: 1 })
    const receiver = impatient.createReceiver('q', noRenewal)
    const message = await receiveOne(receiver)
    const sender = impatient.createSender('q')
    broker.faults.serverBusy(60_000)
    await assert.rejects(sender.sendMessages({ body: 2 }), hasCode('ServiceBusy'))
    await assert.rejects(sender.scheduleMessages({ body: 3 }, new Date(Date.now() + 60_000)), hasCode('ServiceBusy'))
    await assert.rejects(receiver.renewMessageLock(message), hasCode('ServiceBusy'))
    await receiver.completeMessage(message)
    broker.faults.serverBusy(0)
    await sender.sendMessages({ body: 4 })
    assert.deepEqual(
      broker.inspect('q').active.map((one) => String(one.body)),
      ['4'],
    )
  })

  it('failCbs: the token is refused as often as told', async (test) => {
    const { broker, connect } = await openBroker(test)
    broker.faults.failCbs(1)
    const sender = connect({ maxRetries: 0 }).createSender('q')
    await assert.rejects(sender.sendMessages({ body: 1 }), hasCode('UnauthorizedAccess'))
    await sender.sendMessages({ body: 1 })
    assert.equal(broker.inspect('q').active.length, 1)
  })

  it('clear switches everything off', async (test) => {
    const { broker, client, connect } = await openBroker(test)
    const { faults } = broker
    faults.refuseConnections(60_000)
    faults.serverBusy(60_000)
    faults.halfOpen(true)
    faults.failCbs(9)
    faults.failRenewals(9)
    faults.delayDispositions(60_000)
    faults.deliverTwice(9)
    faults.clear()
    await client.createSender('q').sendMessages({ body: 1 })
    const receiver = connect({ maxRetries: 0 }).createReceiver('q', noRenewal)
    const message = await receiveOne(receiver)
    await receiver.renewMessageLock(message)
    await receiver.completeMessage(message)
    assert.equal(broker.inspect('q').active.length, 0)
  })
})
