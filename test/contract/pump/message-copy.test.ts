import assert from 'node:assert/strict'
import { once } from 'node:events'
import { describe, it } from 'node:test'
import type { ServiceBusReceivedMessage } from '@azure/service-bus'
import rhea from 'rhea'
import { readDelivery } from '../../../worker/pump/delivery.ts'
import { asSent } from '../../../worker/pump/queue-connection.ts'
import { rescheduleDelivery } from '../../../worker/pump/reschedule.ts'
import { replayCopy } from '../../../worker/replay/replay-copy.ts'
import { openBroker } from '../service-bus/open-broker.ts'

const sentAt = new Date('2026-03-01T12:00:00Z')
const text = '"/subscriptions/…"'

/** What a sender can put on a message besides its id; sections of the body by their AMQP type. */
const content = {
  content_type: 'application/json',
  content_encoding: 'gzip',
  correlation_id: 'corr',
  subject: 'subj',
  to: 'to',
  reply_to: 'reply',
  priority: 7,
  application_properties: { yes: true, count: 7, at: rhea.types.wrap_timestamp(sentAt.getTime()), text: 'ä€' },
}
const half = text.length / 2
const bodies = {
  'a data section': rhea.message.data_section(Buffer.from(text)),
  'two data sections': rhea.message.data_sections([Buffer.from(text.slice(0, half)), Buffer.from(text.slice(half))]),
  'a value': { id: 7, nested: [1, 'two'] },
  'a sequence': rhea.message.sequence_section([1, 'two', { three: 3 }]),
}

/** What a receiver sees of a message's content. */
function seen(message: ServiceBusReceivedMessage | undefined) {
  const { body, contentType, correlationId, subject, to, replyTo, applicationProperties } = message ?? assert.fail()
  const own = Object.entries(applicationProperties ?? {}).filter(([name]) => !name.startsWith('enricher-'))
  return {
    body: Array.isArray(body) && body.every(Buffer.isBuffer) ? Buffer.concat(body) : body,
    encoding: message?._rawAmqpMessage.properties?.contentEncoding,
    priority: message?._rawAmqpMessage.header?.priority,
    own: Object.fromEntries(own),
    ...{ contentType, correlationId, subject, to, replyTo },
  }
}

describe('a copy of a message', { timeout: 60_000 }, () => {
  for (const [kind, body] of Object.entries(bodies)) {
    it(`with ${kind} says what the sender's said: a delayed one, and a replayed one`, async (test) => {
      const { broker, client } = await openBroker(test)
      const connection = rhea.create_container().connect({
        port: broker.port,
        host: '127.0.0.1',
        username: 'x',
        reconnect: false,
      })
      const raw = connection.open_sender('q')
      await once(raw, 'sendable')
      raw.send({ ...content, message_id: 'first', body })
      await once(raw, 'accepted')
      connection.close()

      const receiver = client.createReceiver('q', asSent)
      const sender = client.createSender('q')
      const [message] = await receiver.receiveMessages(1)
      const sent = seen(message)
      assert.equal(sent.encoding, 'gzip')
      assert.deepEqual(sent.own.at, sentAt, 'a time stays a time')
      if (!message) return
      await sender.sendMessages(replayCopy(message, { id: 'first~r1', origin: 'first', replays: 1 }))
      await rescheduleDelivery(readDelivery(message, receiver, Date.now()), 3_600_000, 1, sender, Date.now())
      await receiver.completeMessage(message)
      const copies = await receiver.peekMessages(2)
      assert.deepEqual(copies.map((one) => one.messageId).sort(), ['first~c1', 'first~r1'])
      for (const copy of copies) assert.deepEqual(seen(copy), sent, String(copy.messageId))
    })
  }
})
