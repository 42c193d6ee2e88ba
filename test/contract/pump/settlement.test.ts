import assert from 'node:assert/strict'
import { once } from 'node:events'
import { describe, it, type TestContext } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { ServiceBusClient, type ServiceBusReceivedMessage } from '@azure/service-bus'
import { startBroker } from '../../../deploy/local/service-bus/broker.ts'
import { readDelivery } from '../../../worker/pump/delivery.ts'
import { type Settlement, settleDelivery } from '../../../worker/pump/settlement.ts'

const kinds = ['complete', 'dead-letter', 'abandon'] as const

async function open(test: TestContext) {
  const broker = await startBroker({ queues: [{ name: 'q', maxDeliveryCount: 100 }] })
  const client = new ServiceBusClient(broker.connectionString)
  const other = new ServiceBusClient(broker.connectionString)
  test.after(async () => {
    await Promise.all([client.close(), other.close()])
    await broker.close()
  })
  return { broker, client, other }
}

describe('settling messages', { timeout: 30_000 }, () => {
  it('neighbours settled at the same moment each get their own outcome and reason', async (test) => {
    const { broker, client, other } = await open(test)
    const count = 60
    await client
      .createSender('q')
      .sendMessages(Array.from({ length: count }, (_, body) => ({ body: String(body), messageId: String(body) })))
    const receiver = client.createReceiver('q', { skipParsingBodyAsJson: true, maxAutoLockRenewalDurationInMs: 0 })
    const messages: ServiceBusReceivedMessage[] = []
    while (messages.length < count) messages.push(...(await receiver.receiveMessages(count - messages.length)))
    const outcomes = new Map<string, string>()
    broker.events.on('settled', (event) => outcomes.set(event.messageId, event.outcome))
    const control = other.createReceiver('q')
    await Promise.all(
      messages.map((message, index) => {
        const kind = kinds[index % kinds.length] ?? 'complete'
        const settlement: Settlement =
          kind === 'dead-letter'
            ? { settle: kind, reason: `reason ${message.messageId}`, description: 'd', properties: {} }
            : { settle: kind }
        return settleDelivery(readDelivery(message, receiver, Date.now()), settlement, control)
      }),
    )
    const wanted = { complete: 'completed', 'dead-letter': 'dead-lettered', abandon: 'abandoned' }
    messages.forEach((message, index) => {
      assert.equal(
        outcomes.get(String(message.messageId)),
        wanted[kinds[index % kinds.length] ?? 'complete'],
        `message ${index}`,
      )
    })
    for (const letter of broker.inspect('q').deadLettered)
      assert.equal(letter.deadLetterReason, `reason ${letter.messageId}`)
  })

  for (const settle of ['complete', 'abandon'] as const) {
    it(`${settle}: a message whose link is gone is settled over the other connection, within seconds`, async (test) => {
      const { broker, client, other } = await open(test)
      await client.createSender('q').sendMessages({ body: 'x', messageId: 'x' })
      const receiver = client.createReceiver('q', { skipParsingBodyAsJson: true, maxAutoLockRenewalDurationInMs: 0 })
      const [message] = await receiver.receiveMessages(1)
      assert.ok(message)
      const control = other.createReceiver('q')
      // Its own connection is open before the fault, as the worker's is.
      await control.peekMessages(1)
      broker.faults.detachReceivers()
      const { link } = (message as unknown as { delivery: { link: { is_open(): boolean } } }).delivery
      while (link.is_open()) await turn()
      const settled = once(broker.events, 'settled')
      const result = await settleDelivery(readDelivery(message, receiver, Date.now()), { settle }, control)
      assert.deepEqual(result, { settled: true, via: 'management' })
      const [event] = (await settled) as [{ outcome: string }]
      assert.equal(event.outcome, settle === 'complete' ? 'completed' : 'abandoned')
    })
  }
})
