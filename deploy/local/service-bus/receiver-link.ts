import type { Delivery, EventContext, Sender } from 'rhea'
import { BrokerError } from './broker-error.ts'
import type { FaultState } from './fault-state.ts'
import { tagOfToken, tokenOfTag } from './lock-token.ts'
import { writeMessage } from './message-codec.ts'
import type { Queue, SettlementDetails } from './queue.ts'
import type { SettledOutcome } from './queue-events.ts'
import { accept, deliveryInternals, linkInternals, reject } from './rhea-internals.ts'

/**
 * A client's receiver: messages go out as its credit allows, and its outcomes settle them.
 * @returns the way to leave the queue; what was delivered stays locked until its lock ends
 */
export function serveReceiver(sender: Sender, queue: Queue, faults: FaultState): () => void {
  const link = linkInternals(sender)
  const peekLock = link.local.attach.snd_settle_mode !== 1
  let left = false
  answerDrains(sender, queue)
  const leave = queue.subscribe({
    peekLock,
    credit: () => {
      if (faults.starved.has(sender)) return 0
      const { outgoing } = link.session
      // Credit falls when a frame is written: what waits to be written has used it already.
      const waiting = outgoing.next_delivery_id - outgoing.next_pending_delivery
      return sender.is_open() && outgoing.available() > 0 ? link.credit - waiting : 0
    },
    deliver: (stored) => {
      const tag = tagOfToken(stored.lock?.token ?? '0'.repeat(32))
      sender.send(writeMessage(stored, { lockedUntil: peekLock }), tag, 0)
    },
  })
  for (const event of ['sender_flow', 'sendable', 'settled'] as const) sender.on(event, () => queue.pump())

  for (const outcome of ['accepted', 'rejected', 'modified', 'released'] as const) {
    sender.on(outcome, ({ delivery }: EventContext) => {
      if (!delivery || !peekLock) return
      const { delayMs, delayed } = faults.dispositions
      if (delayMs === 0) return answer(delivery, carryOut(delivery, outcome, queue))
      const refusal = delayed === 'answer' ? carryOut(delivery, outcome, queue) : undefined
      setTimeout(() => {
        // A settlement that is late on its way never arrives when its connection has ended meanwhile.
        if (left) return
        answer(delivery, delayed === 'answer' ? refusal : carryOut(delivery, outcome, queue))
      }, delayMs).unref()
    })
  }

  return () => {
    left = true
    leave()
  }
}

/** The client waits for the answer to a drain even when no credit was left; the library answers only used credit. */
function answerDrains(sender: Sender, queue: Queue): void {
  const link = linkInternals(sender)
  link._get_drain = () => {
    if (!link._draining) return false
    link.delivery_count += link.credit
    link.credit = 0
    return true
  }
  sender.on('sender_draining', () => {
    // First whatever waits goes out and is written, one turn each; then the rest of the credit is given back.
    queue.pump()
    setImmediate(() =>
      setImmediate(() => {
        link.issue_flow = true
        link.connection._register()
      }),
    )
  })
}

type LinkOutcome = 'accepted' | 'rejected' | 'modified' | 'released'

function carryOut(delivery: Delivery, outcome: LinkOutcome, queue: Queue): BrokerError | undefined {
  const { settled, details } = meaningOf(delivery, outcome)
  try {
    queue.settle(tokenOfTag(delivery.tag), settled, 'link', details)
    return undefined
  } catch (error) {
    if (error instanceof BrokerError) return error
    throw error
  }
}

/**
 * A dead-lettering too is answered with "accepted": an echo of its error makes the client's promise fail.
 */
function answer(delivery: Delivery, refusal: BrokerError | undefined): void {
  if (refusal) reject(delivery, refusal)
  else accept(delivery)
  // Without this the library's ring of deliveries never frees: the client settles only once it has the answer.
  deliveryInternals(delivery).remote_settled = true
}

interface RemoteState {
  error?: { info?: Record<string, unknown> }
  undeliverable_here?: boolean
  message_annotations?: Record<string, unknown>
}

function meaningOf(delivery: Delivery, outcome: LinkOutcome): { settled: SettledOutcome; details: SettlementDetails } {
  const state = (delivery.remote_state ?? {}) as RemoteState
  switch (outcome) {
    case 'accepted':
      return { settled: 'completed', details: {} }
    case 'released':
      return { settled: 'abandoned', details: {} }
    case 'modified':
      return {
        settled: state.undeliverable_here ? 'deferred' : 'abandoned',
        details: { properties: state.message_annotations ?? {} },
      }
    case 'rejected': {
      const { DeadLetterReason, DeadLetterErrorDescription, ...properties } = state.error?.info ?? {}
      return {
        settled: 'dead-lettered',
        details: { properties, reason: textOf(DeadLetterReason), description: textOf(DeadLetterErrorDescription) },
      }
    }
  }
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined
}
