import { type ChildProcess, spawn } from 'node:child_process'
import { EventEmitter } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

export interface LogLine {
  event?: string
  level?: string
  incident?: string
  messageId?: string
  [name: string]: unknown
}

/** Those that run; a test process that ends early takes them along, or they would look for their broker for ever. */
const running = new Set<ChildProcess>()
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL')
})
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1))

/** What a worker process prints: its log lines are its events. */
export class WorkerOutput {
  readonly child: ChildProcess
  readonly lines: LogLine[] = []
  stderr = ''
  readonly #events = new EventEmitter<{ line: [LogLine] }>()
  readonly exited: Promise<number | null>

  constructor(child: ChildProcess) {
    this.child = child
    running.add(this.child)
    this.exited = new Promise((resolve) =>
      this.child.once('exit', (code) => {
        running.delete(this.child)
        resolve(code)
      }),
    )
    this.child.stderr?.on('data', (bytes: Buffer) => {
      this.stderr += bytes.toString()
    })
    if (this.child.stdout) {
      createInterface({ input: this.child.stdout }).on('line', (text) => {
        const line = parse(text)
        this.lines.push(line)
        this.#events.emit('line', line)
      })
    }
  }

  /** Resolves with the first line, past or to come, that matches; rejects when the process ends before. */
  line(matches: (line: LogLine) => boolean): Promise<LogLine> {
    const past = this.lines.find(matches)
    if (past) return Promise.resolve(past)
    return new Promise((resolve, reject) => {
      const look = (line: LogLine) => {
        if (!matches(line)) return
        this.#events.off('line', look)
        resolve(line)
      }
      this.#events.on('line', look)
      void this.exited.then((code) => reject(new Error(`the worker ended with ${code}: ${this.stderr}`)))
    })
  }

  /** Resolves when `count` messages left for good: enriched, skipped or dead-lettered. */
  async settled(count: number): Promise<void> {
    let done = 0
    let next = 0
    const enough = () => {
      for (; next < this.lines.length; next++) {
        if (/^incident\.(enriched|skipped|dead-lettered)$/.test(this.lines[next]?.event ?? '')) done++
      }
      return done >= count
    }
    if (enough()) return
    await new Promise<void>((resolve, reject) => {
      const look = () => {
        if (!enough()) return
        this.#events.off('line', look)
        resolve()
      }
      this.#events.on('line', look)
      void this.exited.then((code) => reject(new Error(`the worker ended with ${code}: ${this.stderr}`)))
    })
  }

  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<number | null> {
    this.child.kill(signal)
    return await this.exited
  }
}

/** A real worker process. */
export class WorkerProcess extends WorkerOutput {
  /** What is run: the source, until `useBundledWorker` made the bundle. */
  static entry = [fileURLToPath(new URL('../../worker/main.ts', import.meta.url))]

  constructor(environment: Record<string, string>, ...command: string[]) {
    super(
      spawn(process.execPath, [...WorkerProcess.entry, ...command], {
        env: { PATH: process.env.PATH ?? '', HEALTH_PORT: '0', NODE_ENV: 'production', ...environment },
        stdio: ['ignore', 'pipe', 'pipe'],
      }),
    )
  }
}

function parse(text: string): LogLine {
  try {
    return JSON.parse(text) as LogLine
  } catch {
    return { text }
  }
}
