import rhea, { type Message } from 'rhea'
import { arrayOf, listOf, numberOf, tokenOf, uuid } from './amqp-values.ts'
import type { FaultState } from './faults.ts'
import { BrokerError, type Queue, type SettledOutcome } from './queue.ts'
import { readMessage, type StoredMessage, writeMessage } from './stored-message.ts'

/** What a request-response link answers. */
export interface ManagementReply {
  status: number
  description: string
  condition?: string
  body?: Record<string, unknown>
}

/** Carries out one `$management` request: the operations of the SDK that concern queues without sessions. */
export function manage(queue: Queue, request: Message, faults: FaultState): ManagementReply {
  const operation = String(request.application_properties?.operation ?? '')
  try {
    if (faults.busy) throw serverBusy()
    const body = (request.body ?? {}) as Record<string, unknown>
    const handler = operations[operation.replace(/^com\.microsoft:/, '')]
    if (!handler)
      throw new BrokerError('amqp:not-implemented', `The operation '${operation}' is not implemented here.`, 501)
    return handler(queue, body, faults)
  } catch (error) {
    if (!(error instanceof BrokerError)) throw error
    return { status: error.status, description: error.message, condition: error.condition }
  }
}

export function serverBusy(): BrokerError {
  return new BrokerError(
    'com.microsoft:server-busy',
    'The request was terminated because the entity is being throttled.',
    503,
  )
}

type Operation = (queue: Queue, body: Record<string, unknown>, faults: FaultState) => ManagementReply

const ok = (body?: Record<string, unknown>): ManagementReply => ({
  status: 200,
  description: 'OK',
  ...(body ? { body } : {}),
})

const operations: Record<string, Operation> = {
  'renew-lock': (queue, body, faults) => {
    const condition = faults.takeRenewalFailure()
    if (condition)
      throw new BrokerError(condition, 'The renewal was refused.', condition.includes('lock-lost') ? 410 : 503)
    return ok({
      expirations: arrayOf(
        'timestamp',
        listOf(body['lock-tokens']).map((token) => queue.renew(tokenOf(token))),
      ),
    })
  },

  'peek-message': (queue, body) => {
    const found = queue.peek(numberOf(body['from-sequence-number'] ?? 0), numberOf(body['message-count'] ?? 1))
    if (found.length === 0) return { status: 204, description: 'No Content' }
    return ok({ messages: found.map((stored) => ({ message: writeMessage(stored, { lockedUntil: false }) })) })
  },

  'schedule-message': (queue, body) => {
    const sequences = listOf(body.messages).map((entry) => {
      const bytes = (entry as { message?: unknown }).message
      if (!Buffer.isBuffer(bytes))
        throw new BrokerError('amqp:invalid-field', 'A message to schedule has no bytes.', 400)
      return queue.accept(readMessage(bytes))
    })
    return ok({ 'sequence-numbers': arrayOf('long', sequences) })
  },

  'cancel-scheduled-message': (queue, body) => {
    for (const sequence of listOf(body['sequence-numbers'])) queue.cancelScheduled(numberOf(sequence))
    return ok()
  },

  'receive-by-sequence-number': (queue, body) => {
    const peekLock = numberOf(body['receiver-settle-mode'] ?? 1) === 1
    const messages = listOf(body['sequence-numbers']).map((sequence) => {
      const stored = queue.receiveDeferred(numberOf(sequence), peekLock)
      return { message: writeMessage(stored, { lockedUntil: peekLock }), ...lockTokenOf(stored) }
    })
    return ok({ messages })
  },

  'update-disposition': (queue, body) => {
    const outcome = dispositions[String(body['disposition-status'])]
    if (!outcome) throw new BrokerError('amqp:invalid-field', 'The disposition is not known.', 400)
    const properties = body['properties-to-modify'] as Record<string, unknown> | undefined
    for (const token of listOf(body['lock-tokens'])) {
      queue.settle(tokenOf(token), outcome, 'management', {
        reason: textOf(body['deadletter-reason']),
        description: textOf(body['deadletter-description']),
        ...(properties ? { properties } : {}),
      })
    }
    return ok()
  },
}

/** The protocol's own spelling of "deferred" has one r. */
const dispositions: Record<string, SettledOutcome> = {
  completed: 'completed',
  abandoned: 'abandoned',
  defered: 'deferred',
  suspended: 'dead-lettered',
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined
}

function lockTokenOf(stored: StoredMessage): Record<string, unknown> {
  return stored.lock ? { 'lock-token': uuid(stored.lock.token) } : {}
}

/** All messages of a transfer: one, or a batch whose data sections are encoded messages (format 0x80013700). */
export function messagesOf(bytes: Buffer, format: number): Buffer[] {
  if (format !== 0x80013700) return [bytes]
  const body = (rhea.message.decode(bytes) as unknown as { body?: { content?: unknown } }).body
  const content = body?.content
  return (Array.isArray(content) ? content : [content]).filter((one): one is Buffer => Buffer.isBuffer(one))
}
