import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { ServiceBusClient } from '@azure/service-bus'
import { startBroker } from '../../../deploy/local/service-bus/broker.ts'
import { systemClock } from '../../../shared/clock.ts'
import { createLog } from '../../../shared/log.ts'
import type { Enrichment } from '../../../worker/enrich-incident.ts'
import { Pump } from '../../../worker/pump/pump.ts'
import { QueueConnection } from '../../../worker/pump/queue-connection.ts'
import { Circuits } from '../../../worker/recovery/circuits.ts'

describe('a slot', { timeout: 60_000 }, () => {
  it('is freed from a run that neither ends nor listens, its message is deferred, and the next one gets it', async (test) => {
    const broker = await startBroker({ queues: [{ name: 'q', maxDeliveryCount: 100 }] })
    const client = new ServiceBusClient(broker.connectionString)
    const connection = new QueueConnection(
      { queue: 'q', namespace: undefined, connectionString: broker.connectionString },
      () => assert.fail('a connection string needs no identity'),
    )
    const circuits = new Circuits()
    const report = (result: Enrichment['result']): Enrichment => ({
      result,
      incident: undefined,
      used: { promptTokens: 0, completionTokens: 0, cachedTokens: 0, calls: 0 },
      model: 'm',
      written: 0,
      attacks: [],
    })
    let aborted: unknown
    const pump = new Pump({
      connection,
      enrich: (delivery, { signal }) => {
        if (delivery.messageId !== 'stuck') return Promise.resolve(report({ outcome: 'enriched' }))
        signal.addEventListener('abort', () => {
          aborted ??= signal.reason
        })
        return new Promise(() => undefined)
      },
      recover: (failure, { attempt }) =>
        report({ outcome: 'deferred', delayMs: 3_600_000, attempt: attempt + 1, failure }),
      circuits,
      concurrency: 1,
      slotBoundMs: 300,
      clock: systemClock,
      log: createLog('silent'),
    })
    test.after(async () => {
      await pump.drain(0)
      circuits.close()
      await connection.close()
      await client.close()
      await broker.close()
    })
    const completed: string[] = []
    const done = new Promise<void>((resolve) => {
      broker.events.on('settled', ({ messageId, outcome }) => {
        completed.push(`${messageId} ${outcome}`)
        if (messageId === 'next') resolve()
      })
    })
    await client.createSender('q').sendMessages([
      { body: 'a', messageId: 'stuck' },
      { body: 'b', messageId: 'next' },
    ])
    pump.start()
    await done
    assert.deepEqual(completed, ['stuck completed', 'next completed'])
    assert.equal((aborted as { code?: string }).code, 'SlotBound')
    assert.deepEqual(
      broker.inspect('q').scheduled.map(({ messageId }) => messageId),
      ['stuck~c1'],
    )
  })
})
