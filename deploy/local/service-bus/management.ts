import rhea, { type Message } from 'rhea'
import { BrokerError, invalidField, notImplemented, serverBusy } from './broker-error.ts'
import type { FaultState } from './fault-state.ts'
import { tokenOfValue } from './lock-token.ts'
import { readMessage, writeMessage } from './message-codec.ts'
import type { Queue } from './queue.ts'
import type { SettledOutcome } from './queue-events.ts'
import { arrayOf } from './rhea-internals.ts'

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
    const handler = operations[operation.replace(/^com\.microsoft:/, '')]
    if (!handler) throw notImplemented(`The operation '${operation}'`)
    return handler(queue, (request.body ?? {}) as Record<string, unknown>, faults)
  } catch (error) {
    if (error instanceof BrokerError) return refusal(error)
    throw error
  }
}

/** The condition always goes with it: a status alone, 410 above all, has several meanings to the client. */
export function refusal(error: BrokerError): ManagementReply {
  return { status: error.status, description: error.message, condition: error.condition }
}

type Operation = (queue: Queue, body: Record<string, unknown>, faults: FaultState) => ManagementReply

const operations: Record<string, Operation> = {
  'renew-lock': (queue, body, faults) => {
    const condition = faults.takeRenewalFailure()
    if (condition) {
      const status = condition.endsWith('lock-lost') ? 410 : 503
      throw new BrokerError(condition, status, 'The renewal was refused.')
    }
    const tokens = listOf(body['lock-tokens'])
    return ok({
      expirations: arrayOf(
        'timestamp',
        tokens.map((token) => queue.renew(tokenOfValue(token))),
      ),
    })
  },

  'peek-message': (queue, body) => {
    const found = queue.peek(numberOf(body['from-sequence-number'] ?? 0), numberOf(body['message-count'] ?? 1))
    if (found.length === 0) return { status: 204, description: 'No Content' }
    return ok({ messages: found.map((stored) => ({ message: writeMessage(stored, { lockedUntil: false }) })) })
  },

  'schedule-message': (queue, body) => {
    const received = listOf(body.messages).map((entry) => {
      const bytes = (entry as { message?: unknown }).message
      if (!Buffer.isBuffer(bytes)) throw invalidField('A message to schedule has no bytes.')
      return readMessage(bytes)
    })
    return ok({
      'sequence-numbers': arrayOf(
        'long',
        received.map((one) => queue.accept(one)),
      ),
    })
  },

  'cancel-scheduled-message': (queue, body) => {
    for (const sequence of listOf(body['sequence-numbers'])) queue.cancelScheduled(numberOf(sequence))
    return ok()
  },

  'receive-by-sequence-number': (queue, body) => {
    const peekLock = numberOf(body['receiver-settle-mode'] ?? 1) === 1
    const found = queue.receiveDeferred(listOf(body['sequence-numbers']).map(numberOf), peekLock)
    return ok({
      messages: found.map((stored) => ({
        message: writeMessage(stored, { lockedUntil: peekLock }),
        ...(stored.lock ? { 'lock-token': rhea.types.wrap_uuid(Buffer.from(stored.lock.token, 'hex')) } : {}),
      })),
    })
  },

  'update-disposition': (queue, body) => {
    const outcome = dispositions[String(body['disposition-status'])]
    if (!outcome) throw invalidField(`The disposition '${body['disposition-status']}' is not known.`)
    for (const token of listOf(body['lock-tokens'])) {
      queue.settle(tokenOfValue(token), outcome, 'management', {
        reason: textOf(body['deadletter-reason']),
        description: textOf(body['deadletter-description']),
        properties: (body['properties-to-modify'] ?? {}) as Record<string, unknown>,
      })
    }
    return ok()
  },
}

/** The protocol's own spelling of "deferred" has one r, and dead-lettering is called suspending. */
const dispositions: Record<string, SettledOutcome> = {
  completed: 'completed',
  abandoned: 'abandoned',
  defered: 'deferred',
  suspended: 'dead-lettered',
}

function ok(body?: Record<string, unknown>): ManagementReply {
  return { status: 200, description: 'OK', ...(body ? { body } : {}) }
}

/** Whole numbers arrive as number, or as 8 bytes when they are large. */
function numberOf(value: unknown): number {
  return Buffer.isBuffer(value) && value.length === 8 ? Number(value.readBigInt64BE()) : Number(value)
}

/** A list or an array, of values or of wrapped values. */
function listOf(value: unknown): unknown[] {
  const list = Array.isArray(value) ? value : value === undefined || value === null ? [] : [value]
  return list.map((one) =>
    typeof one === 'object' && one !== null && 'value' in one && !Buffer.isBuffer(one) ? one.value : one,
  )
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined
}
