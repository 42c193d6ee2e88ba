import type { Failure } from '../../shared/failure.ts'
import { messageProperties } from '../../shared/message-envelope.ts'
import type { Settlement } from './settlement.ts'

/** Service Bus cuts descriptions at 4,096 characters; the contract at 1,024. */
const maxDescription = 1_024

/** The settlement of a message that can never succeed, with what an operator needs to know about it. */
export function deadLetter(reason: string, failure: Failure, now: number): Settlement {
  return {
    settle: 'dead-letter',
    reason,
    description: failure.message.slice(0, maxDescription),
    properties: {
      [messageProperties.dependency]: failure.dependency,
      [messageProperties.errorCode]: failure.code,
      [messageProperties.failedAt]: new Date(now).toISOString(),
    },
  }
}
