import { ServiceBusClient, type ServiceBusMessage } from '@azure/service-bus'
import type { Broker, MessageView } from '../../deploy/local/service-bus/broker.ts'

/** A dead letter to be made. */
export interface LetterSeed {
  message: ServiceBusMessage
  reason?: string
  description?: string
  /** What the worker writes on a dead letter, or another producer. */
  properties?: Record<string, string | number>
}

const incidentPath =
  '/subscriptions/5d1c7a30-52d4-4b0f-9a57-0c6a3f1e7b01/resourceGroups/rg-soc-europe/providers/Microsoft.OperationalInsights/workspaces/law-soc-europe/providers/Microsoft.SecurityInsights/Incidents'

export function incidentGuid(number: number): string {
  return `00000000-0000-4000-8000-${String(number).padStart(12, '0')}`
}

export function incidentArmId(number: number): string {
  return `${incidentPath}/${incidentGuid(number)}`
}

/** A dead letter as the worker leaves it behind. */
export function workersLetter(number: number, reason = 'AttemptsExhausted', code = 'HTTP_503'): LetterSeed {
  const id = `${incidentGuid(number)}:recommended-steps`
  return {
    message: {
      body: incidentArmId(number),
      contentType: 'application/json',
      messageId: `${id}~c3`,
      applicationProperties: {
        'enricher-attempt': 3,
        'enricher-copies': 3,
        'enricher-origin': id,
        sender: 'logic-app',
      },
    },
    reason,
    description: 'The dependency failed.',
    properties: {
      'enricher-dependency': 'sentinel',
      'enricher-error-code': code,
      'enricher-failed-at': new Date(Date.now() - number * 1_000).toISOString(),
    },
  }
}

/** Sends the messages and dead-letters them, in order, through the real SDK. */
export async function makeDeadLetters(broker: Broker, queue: string, seeds: readonly LetterSeed[]): Promise<void> {
  const client = new ServiceBusClient(broker.connectionString)
  try {
    const sender = client.createSender(queue)
    const receiver = client.createReceiver(queue, { maxAutoLockRenewalDurationInMs: 0 })
    for (let at = 0; at < seeds.length; at += 200) {
      const some = seeds.slice(at, at + 200)
      await sender.sendMessages(some.map((seed) => seed.message))
      const messages = await receiver.receiveMessages(some.length, { maxWaitTimeInMs: 5_000 })
      for (const [index, message] of messages.entries()) {
        const seed = some[index]
        if (!seed) throw new Error('more messages came than were sent')
        await receiver.deadLetterMessage(message, {
          ...seed.properties,
          deadLetterReason: seed.reason ?? '',
          deadLetterErrorDescription: seed.description ?? '',
        })
      }
    }
  } finally {
    await client.close()
  }
}

/**
 * Thousands of dead letters within seconds: the messages expire at once on a queue that dead-letters what expires. Their
 * reason is the broker's own, TTLExpiredException.
 */
export async function expireIntoDeadLetters(
  broker: Broker,
  queue: string,
  count: number,
  make: (number: number) => ServiceBusMessage,
): Promise<void> {
  const client = new ServiceBusClient(broker.connectionString)
  try {
    const sender = client.createSender(queue)
    let dead = 0
    const all = new Promise<void>((resolve) => {
      const onDead = () => {
        if (++dead < count) return
        broker.events.off('dead-lettered', onDead)
        resolve()
      }
      broker.events.on('dead-lettered', onDead)
    })
    let batch = await sender.createMessageBatch()
    for (let number = 0; number < count; number++) {
      const message = { ...make(number), timeToLive: 1 }
      if (batch.tryAddMessage(message)) continue
      await sender.sendMessages(batch)
      batch = await sender.createMessageBatch()
      batch.tryAddMessage(message)
    }
    await sender.sendMessages(batch)
    await all
  } finally {
    await client.close()
  }
}

/** By message id, for comparing before and after. */
export function byMessageId(messages: readonly MessageView[]): Map<string, MessageView> {
  return new Map(messages.map((message) => [message.messageId, message]))
}
