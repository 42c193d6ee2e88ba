import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { type Broker, startBroker } from '../../../deploy/local/service-bus/broker.ts'
import { QueueConnection } from '../../../worker/pump/queue-connection.ts'

describe('a look at the first messages of the queue', () => {
  let broker: Broker
  let connection: QueueConnection
  before(async () => {
    broker = await startBroker({ queues: [{ name: 'incidents' }] })
    connection = new QueueConnection(
      { queue: 'incidents', namespace: undefined, connectionString: broker.connectionString },
      () => {
        throw new Error('no identity is needed')
      },
    )
    await connection.sender.sendMessages([{ body: 'a' }, { body: 'b' }, { body: 'c' }])
  })
  after(async () => {
    await connection.close()
    await broker.close()
  })

  it('sees the same messages each time: a message that waits is not seen once and then never again', async () => {
    const look = async () =>
      (await connection.peekFirst(2, AbortSignal.timeout(5_000))).map((one) => String(one.sequenceNumber))
    assert.deepEqual([await look(), await look(), await look()], Array(3).fill(['1', '2']))
  })
})
