import { spawn, spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { stripVTControlCharacters } from 'node:util'
import { compileCache } from './compile-cache.ts'

const main = fileURLToPath(new URL('../../worker/main.ts', import.meta.url))

/** Whether `script` of util-linux is here, which gives a program a terminal. */
export const hasPseudoTerminal = spawnSync('script', ['--version']).status === 0

/** A person's session with `enricher …` at a real terminal of 80 columns. */
export class TerminalSession {
  readonly child
  readonly exited: Promise<number | null>
  /** Everything that was written to the terminal, escape sequences included. */
  screen = ''
  #onText: () => void = () => undefined

  constructor(environment: Record<string, string>, ...args: string[]) {
    const command = ['stty cols 80 rows 24; exec', process.execPath, main, ...args].join(' ')
    this.child = spawn('script', ['--quiet', '--return', '--flush', '--command', command, '/dev/null'], {
      // In production no .env is read: the one of whoever runs the tests would be part of them.
      env: {
        PATH: process.env.PATH ?? '',
        NODE_ENV: 'production',
        TERM: 'xterm-256color',
        NODE_COMPILE_CACHE: compileCache,
        ...environment,
      },
      stdio: ['pipe', 'pipe', 'inherit'],
    })
    this.child.stdout.on('data', (bytes: Buffer) => {
      this.screen += bytes.toString()
      this.#onText()
    })
    this.exited = new Promise((resolve) => this.child.once('close', (code) => resolve(code)))
  }

  /** Resolves when the text is on the screen; rejects when the program ends without. */
  async sees(text: string): Promise<void> {
    const shown = new Promise<true>((resolve) => {
      this.#onText = () => {
        if (this.screen.includes(text)) resolve(true)
      }
      this.#onText()
    })
    const ended = this.exited.then(() => this.screen.includes(text))
    if (!(await Promise.race([shown, ended]))) throw new Error(`"${text}" never was on the screen:\n${this.screen}`)
  }

  type(keys: string): void {
    this.child.stdin.write(keys)
  }

  /** The lines as they stand at the end: what a carriage return overwrote is gone. */
  get lines(): string[] {
    return this.screen
      .split(/\r?\n/)
      .map((line) => line.split('\r').at(-1) ?? '')
      .map(stripVTControlCharacters)
  }
}
