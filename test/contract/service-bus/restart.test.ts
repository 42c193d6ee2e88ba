import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { hasCode, openBroker, receiveOne, subscribe } from './open-broker.ts'

const noRenewal = { maxAutoLockRenewalDurationInMs: 0 }

describe('restart', () => {
  it('keeps what was accepted: active, scheduled, deferred and dead letters, on the same port', async (test) => {
    const { broker, client, connect } = await openBroker(test)
    const sender = client.createSender('q')
    await sender.sendMessages([{ body: 'defer' }, { body: 'bury' }, { body: 'stay' }])
    await sender.scheduleMessages({ body: 'later' }, new Date(Date.now() + 60_000))
    const receiver = client.createReceiver('q', noRenewal)
    await receiver.deferMessage(await receiveOne(receiver))
    await receiver.deadLetterMessage(await receiveOne(receiver), {
      deadLetterReason: 'R',
      deadLetterErrorDescription: 'D',
    })
    const { port } = broker
    const before = broker.inspect('q')
    await broker.restart()
    assert.equal(broker.port, port)
    assert.deepEqual(broker.inspect('q'), before)
    assert.equal((await receiveOne(connect().createReceiver('q', noRenewal))).body, 'stay')
  })

  it('drops all locks: the message is there at once with one delivery more, and the old holder cannot settle', async (test) => {
    const { broker, client, connect } = await openBroker(test)
    await client.createSender('q').sendMessages({ body: 1 })
    const message = await receiveOne(client.createReceiver('q', noRenewal))
    await broker.restart()
    const other = connect().createReceiver('q', noRenewal)
    const again = await receiveOne(other)
    assert.equal(again.deliveryCount, 1)
    // By management, since the old link is gone.
    await assert.rejects(connect().createReceiver('q').completeMessage(message), hasCode('MessageLockLost'))
    await other.completeMessage(again)
  })

  it('a subscription goes on by itself', async (test) => {
    const { broker, client, connect } = await openBroker(test)
    let completed = Promise.withResolvers<unknown>()
    subscribe(
      client.createReceiver('q', noRenewal),
      1,
      () => undefined,
      ({ body }) => completed.resolve(body),
    )
    await connect().createSender('q').sendMessages({ body: 'before' })
    assert.equal(await completed.promise, 'before')
    completed = Promise.withResolvers()
    await broker.restart()
    await connect().createSender('q').sendMessages({ body: 'after' })
    assert.equal(await completed.promise, 'after')
  })

  it('a stopped broker answers nobody, shows its content, and can be started again', async (test) => {
    const { broker, client, connect } = await openBroker(test)
    await client.createSender('q').sendMessages({ body: 1 })
    await broker.stop()
    await assert.rejects(connect({ maxRetries: 0, timeoutInMs: 500 }).createSender('q').sendMessages({ body: 2 }))
    assert.equal(broker.inspect('q').active.length, 1)
    await broker.restart()
    assert.equal(Number((await receiveOne(connect().createReceiver('q', noRenewal))).body), 1)
  })
})
