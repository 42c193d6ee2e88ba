import { createHash } from 'node:crypto'
import { join } from 'node:path'
import type * as z from 'zod'
import type { QueueConfiguration } from '../configuration.ts'
import { Journal, JournalBusyError, journalFolder } from '../replay/journal.ts'
import { CommandFailed, UsageError } from './explain-failure.ts'
import { ownCommand } from './terminal/own-command.ts'

/**
 * Where a command's journal is when the operator names no file: one per queue, command and `what` it was asked to do, so that
 * only the same command goes on with it.
 */
export function journalFileOf(
  command: string,
  { queue, namespace, connectionString }: QueueConfiguration,
  what: unknown,
): string {
  const where = namespace ?? /Endpoint=sb:\/\/([^;/]+)/i.exec(connectionString ?? '')?.[1]
  const key = createHash('sha256')
    .update(JSON.stringify([where, queue, what]))
    .digest('hex')
  return join(journalFolder(process.env), `${command}-${queue.replace(/[^\w-]/g, '_')}-${key.slice(0, 12)}.jsonl`)
}

/** Goes on with what an interrupted run left; undefined when there is nothing. @throws CommandFailed, UsageError */
export function resumeJournal<Item>(file: string, schema: z.ZodType<Item>): Journal<Item> | undefined {
  return explained(file, () => Journal.resume(file, schema))
}

/** @throws CommandFailed, UsageError */
export function startJournal<Item>(file: string, items: Item[], now: number): Journal<Item> {
  return explained(file, () => Journal.start(file, ownCommand(), items, now))
}

function explained<T>(file: string, open: () => T): T {
  try {
    return open()
  } catch (error) {
    if (error instanceof JournalBusyError) {
      throw new CommandFailed(`${error.message} Let it end, or stop it; its journal is ${file}.`)
    }
    throw new UsageError(`The journal ${file} cannot be written; --journal names another file.`)
  }
}
