import {
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs'
import { homedir, tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import * as z from 'zod'

/** The first line: what is being done, so that only the same command goes on with it. */
export interface JournalHead {
  command: string
  startedAt: string
  /** How many planned lines follow; fewer means that the plan was never finished, and nothing was done. */
  planned: number
}

/** A step that was taken, by the item's key. `sent`: the first half is done (the copy is sent, the export is written). */
export type JournalStep = 'sent' | 'completed'

const headSchema = z.object({ run: z.object({ command: z.string(), startedAt: z.string(), planned: z.number() }) })
const lineSchema = z.union([
  z.object({ planned: z.record(z.string(), z.unknown()) }),
  z.object({ sent: z.array(z.string()) }),
  z.object({ completed: z.array(z.string()) }),
])

/** Another process is using the journal: the same command is running already. */
export class JournalBusyError extends Error {
  readonly pid: number
  constructor(pid: number) {
    super(`The same command is running already (process ${pid}).`)
    this.name = 'JournalBusyError'
    this.pid = pid
  }
}

/**
 * The record of a run, as JSON lines of what was planned, sent and completed: an interrupted run goes on from it with the
 * same command. It is written after each step; what happened between a step and its line is made again, which changes
 * nothing, because the steps have deterministic ids.
 */
export class Journal<Item> {
  readonly file: string
  readonly head: JournalHead
  readonly items: Item[]
  readonly sent: Set<string>
  readonly completed: Set<string>
  readonly resumed: boolean
  #descriptor: number | undefined

  private constructor(file: string, descriptor: number, state: JournalState<Item>, resumed: boolean) {
    this.file = file
    this.#descriptor = descriptor
    this.head = state.head
    this.items = state.items
    this.sent = state.sent
    this.completed = state.completed
    this.resumed = resumed
  }

  /** Goes on with a journal that an interrupted run left; undefined when there is none. @throws JournalBusyError */
  static resume<Item>(file: string, item: z.ZodType<Item>): Journal<Item> | undefined {
    if (!existsSync(file)) return undefined
    lock(file)
    const state = readJournal(file, item)
    if (!state) {
      unlock(file)
      return undefined
    }
    const descriptor = openSync(file, 'a')
    // A line that a kill cut short must not swallow the next one.
    writeSync(descriptor, '\n')
    return new Journal(file, descriptor, state, true)
  }

  /** Starts a journal with its whole plan on disk. @throws JournalBusyError */
  static start<Item>(file: string, command: string, items: Item[], now: number): Journal<Item> {
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 })
    lock(file)
    const head: JournalHead = { command, startedAt: new Date(now).toISOString(), planned: items.length }
    const descriptor = openSync(file, 'w', 0o600)
    writeLines(descriptor, [{ run: head }])
    for (let at = 0; at < items.length; at += 1_000) {
      writeLines(
        descriptor,
        items.slice(at, at + 1_000).map((planned) => ({ planned })),
      )
    }
    fsyncSync(descriptor)
    return new Journal(file, descriptor, { head, items, sent: new Set(), completed: new Set() }, false)
  }

  record(step: JournalStep, keys: readonly string[]): void {
    if (keys.length === 0 || this.#descriptor === undefined) return
    for (const key of keys) this[step].add(key)
    writeLines(this.#descriptor, [{ [step]: keys }])
  }

  /** The run is over, nothing is left to resume: the file stays beside it as a record, under another name. */
  end(): string {
    this.close()
    const record = this.file.replace(/\.jsonl$/, `-${this.head.startedAt.replace(/[:.]/g, '')}.done.jsonl`)
    renameSync(this.file, record)
    return record
  }

  /** The run is interrupted; the file waits for the same command. */
  close(): void {
    if (this.#descriptor === undefined) return
    closeSync(this.#descriptor)
    this.#descriptor = undefined
    unlock(this.file)
  }
}

interface JournalState<Item> {
  head: JournalHead
  items: Item[]
  sent: Set<string>
  completed: Set<string>
}

function readJournal<Item>(file: string, item: z.ZodType<Item>): JournalState<Item> | undefined {
  const [first = '', ...lines] = readFileSync(file, 'utf8').split('\n')
  const head = headSchema.safeParse(parse(first)).data?.run
  if (!head) return undefined
  const state: JournalState<Item> = { head, items: [], sent: new Set(), completed: new Set() }
  for (const text of lines) {
    const line = lineSchema.safeParse(parse(text)).data
    if (!line) continue
    if ('planned' in line) {
      const planned = item.safeParse(line.planned)
      if (planned.success) state.items.push(planned.data)
    } else if ('sent' in line) for (const key of line.sent) state.sent.add(key)
    else for (const key of line.completed) state.completed.add(key)
  }
  return state.items.length === head.planned ? state : undefined
}

/**
 * Where journals are kept: the user's state folder (XDG base directories), or the temporary one where that cannot be
 * written, as in a container without a home.
 */
export function journalFolder(env: Record<string, string | undefined>): string {
  const home = env.XDG_STATE_HOME || join(homedir(), '.local', 'state')
  const folder = join(home, 'incident-enricher')
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 })
    return folder
  } catch {
    return join(tmpdir(), 'incident-enricher')
  }
}

/** One process per journal: the file beside it names it. A lock of a process that is gone is taken over. */
function lock(file: string): void {
  for (let tries = 0; ; tries++) {
    try {
      const descriptor = openSync(`${file}.lock`, 'wx', 0o600)
      writeSync(descriptor, String(process.pid))
      closeSync(descriptor)
      return
    } catch (error) {
      if ((error as { code?: unknown }).code !== 'EEXIST' || tries > 3) throw error
      const pid = Number(readFileSync(`${file}.lock`, 'utf8'))
      if (isRunning(pid)) throw new JournalBusyError(pid)
      rmSync(`${file}.lock`, { force: true })
    }
  }
}

function unlock(file: string): void {
  rmSync(`${file}.lock`, { force: true })
}

function isRunning(pid: number): boolean {
  if (!Number.isInteger(pid) || pid <= 0 || pid === process.pid) return false
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as { code?: unknown }).code === 'EPERM'
  }
}

function writeLines(descriptor: number, lines: readonly object[]): void {
  writeSync(descriptor, lines.map((line) => `${JSON.stringify(line)}\n`).join(''))
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
