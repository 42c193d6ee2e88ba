import { closeSync, existsSync, fsyncSync, openSync, readFileSync, statSync, writeSync } from 'node:fs'
import type { ServiceBusReceivedMessage } from '@azure/service-bus'
import * as z from 'zod'
import { bytesOf } from '../pump/message-copy.ts'
import { incidentOf, readDeadLetter } from './dead-letter.ts'

/**
 * A file of exported dead letters, a JSON line each: the incident's ARM id in front, so that `enricher enqueue --file` takes
 * the file as it is, and everything else that the message held.
 */
export class ExportFile {
  readonly #descriptor: number
  readonly #written: Set<string>

  /** @param resumed goes on with a file that an interrupted run began; else a file that has content is refused */
  constructor(file: string, resumed: boolean) {
    this.#written = resumed && existsSync(file) ? exportedSequences(file) : new Set()
    if (!resumed && existsSync(file) && statSync(file).size > 0) throw new ExportExistsError(file)
    this.#descriptor = openSync(file, 'a', 0o600)
    if (this.#written.size > 0) writeSync(this.#descriptor, '\n')
  }

  /** On disk when it returns: only then may the originals be completed. */
  write(messages: readonly ServiceBusReceivedMessage[]): void {
    const fresh = messages.filter((message) => !this.#written.has(message.sequenceNumber?.toString() ?? ''))
    if (fresh.length === 0) return
    writeSync(this.#descriptor, fresh.map((message) => `${JSON.stringify(exportLine(message))}\n`).join(''))
    fsyncSync(this.#descriptor)
  }

  close(): void {
    closeSync(this.#descriptor)
  }
}

export class ExportExistsError extends Error {
  constructor(file: string) {
    super(`The file ${file} has content already: name a new one, so that nothing is overwritten or mixed.`)
    this.name = 'ExportExistsError'
  }
}

/** What is kept of a dead letter. A body that is text is given as text; bytes as base64. */
export function exportLine(message: ServiceBusReceivedMessage): Record<string, unknown> {
  const letter = readDeadLetter(message)
  const { bodyType } = message._rawAmqpMessage
  const body = bytesOf(message.body)
  return {
    incidentArmId: incidentOf(message)?.armId,
    sequenceNumber: letter.sequence,
    messageId: letter.messageId,
    reason: letter.reason,
    description: message.deadLetterErrorDescription,
    dependency: letter.dependency || undefined,
    errorCode: letter.errorCode || undefined,
    failedAt: new Date(letter.failedAt).toISOString(),
    enqueuedAt: new Date(letter.enqueuedAt).toISOString(),
    contentType: message.contentType,
    correlationId: message.correlationId,
    subject: message.subject,
    applicationProperties: message.applicationProperties,
    bodyType: bodyType ?? 'data',
    ...(body instanceof Uint8Array ? { bodyBase64: Buffer.from(body).toString('base64') } : { body }),
  }
}

const sequenceSchema = z.object({ sequenceNumber: z.string() })

function exportedSequences(file: string): Set<string> {
  const found = readFileSync(file, 'utf8')
    .split('\n')
    .flatMap((line) => {
      try {
        return sequenceSchema.safeParse(JSON.parse(line)).data?.sequenceNumber ?? []
      } catch {
        return []
      }
    })
  return new Set(found)
}
