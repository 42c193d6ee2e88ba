import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { promisify } from 'node:util'
import { createLocalCertificate } from '../../../deploy/local/certificate.ts'
import { hasCode, openBroker, receiveOne } from './open-broker.ts'

describe('administration client', () => {
  it('creates, reads, updates, lists, counts and deletes queues over TLS on the same port', async (test) => {
    const certificate = await createLocalCertificate()
    test.after(certificate.dispose)
    const { broker, client } = await openBroker(test, {}, { certificate })
    const sender = client.createSender('q')
    await sender.sendMessages([{ body: 1 }, { body: 2 }, { body: 3 }])
    await sender.scheduleMessages({ body: 4 }, new Date(Date.now() + 60_000))
    const receiver = client.createReceiver('q')
    await receiver.deadLetterMessage(await receiveOne(receiver))
    const { stdout } = await promisify(execFile)(
      process.execPath,
      [join(import.meta.dirname, 'use-administration.ts'), broker.connectionString],
      { env: { ...process.env, NODE_EXTRA_CA_CERTS: certificate.file } },
    )
    assert.deepEqual(JSON.parse(stdout), {
      sku: 'Standard',
      lockDuration: 'PT45S',
      maxDeliveryCount: 7,
      duplicates: true,
      window: 'PT300S',
      deadLetters: true,
      timeToLive: 'PT86400S',
      conflict: 'MessageEntityAlreadyExistsError',
      exists: [true, false],
      missing: 'MessageEntityNotFoundError',
      updated: 9,
      names: ['q', 'made'],
      counts: { active: 2, scheduled: 1, deadLettered: 1, total: 4 },
      afterwards: false,
    })
  })

  it('a queue that is deleted detaches its links, and one that is made serves at once', async (test) => {
    const { broker, connect } = await openBroker(test)
    const client = connect({ timeoutInMs: 400 })
    const sender = client.createSender('q')
    await sender.sendMessages({ body: 1 })
    await administer(broker.port, 'DELETE', 'q')
    await assert.rejects(sender.sendMessages({ body: 2 }), hasCode('MessagingEntityNotFound'))
    assert.throws(() => broker.inspect('q'), /no queue 'q'/)
    await administer(broker.port, 'PUT', 'fresh')
    await client.createSender('fresh').sendMessages({ body: 3 })
    assert.equal(broker.inspect('FRESH').active.length, 1)
  })
})

/** The same port serves plain http, where no certificate is needed. */
async function administer(port: number, method: string, queue: string): Promise<void> {
  const url = `http://127.0.0.1:${port}/${queue}?api-version=2021-05`
  const response = await fetch(url, {
    method,
    headers: { authorization: 'SharedAccessSignature x', connection: 'close' },
  })
  assert.ok(response.ok, `${method} ${queue}: ${response.status}`)
  await response.text()
}
