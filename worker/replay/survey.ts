import type { ServiceBusReceivedMessage } from '@azure/service-bus'
import { compareSequences, type DeadLetter, readDeadLetter } from './dead-letter.ts'

/** What a look at the dead-letter queue found, as far as taking the wanted ones goes. */
export interface Survey {
  /** Wanted ones that are received from the head, in order. */
  active: string[]
  /** Wanted ones that were set aside: received by number. */
  deferred: string[]
  /** How many of `active` come before the first that is not wanted. */
  direct: number
  /** How many the head holds up to the last wanted one, bystanders included. */
  span: number
  /** The highest number that was seen; what dies later has a higher one. */
  last: string
}

/** Collects a survey while the queue is peeked through, in order. */
export class Surveyor {
  readonly #survey: Survey = { active: [], deferred: [], direct: 0, span: 0, last: '0' }
  #bystanders = 0

  add(letter: Pick<DeadLetter, 'sequence' | 'state'>, wanted: boolean): void {
    const survey = this.#survey
    if (compareSequences(letter.sequence, survey.last) > 0) survey.last = letter.sequence
    if (letter.state === 'deferred') {
      if (wanted) survey.deferred.push(letter.sequence)
      return
    }
    if (!wanted) {
      this.#bystanders++
      return
    }
    survey.active.push(letter.sequence)
    survey.span = survey.active.length + this.#bystanders
    if (this.#bystanders === 0) survey.direct = survey.active.length
  }

  get survey(): Survey {
    return this.#survey
  }
}

/** Looks where the wanted ones are now; the rest of the queue is passed by without being kept. */
export async function surveyWanted(
  pages: AsyncIterable<ServiceBusReceivedMessage[]>,
  wanted: ReadonlySet<string>,
): Promise<Survey> {
  const surveyor = new Surveyor()
  const lastWanted = [...wanted].reduce((last, one) => (compareSequences(one, last) > 0 ? one : last), '0')
  for await (const page of pages) {
    for (const message of page) {
      const sequence = message.sequenceNumber?.toString() ?? ''
      surveyor.add({ sequence, state: message.state }, wanted.has(sequence))
    }
    if (compareSequences(surveyor.survey.last, lastWanted) >= 0) break
  }
  return surveyor.survey
}

/** Reads every dead letter and keeps those that `keep` wants, with the survey that taking exactly these would need. */
export async function readDeadLetters(
  pages: AsyncIterable<ServiceBusReceivedMessage[]>,
  visit: (letter: DeadLetter, message: ServiceBusReceivedMessage) => void,
): Promise<void> {
  for await (const page of pages) for (const message of page) visit(readDeadLetter(message), message)
}
