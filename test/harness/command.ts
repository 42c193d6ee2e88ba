import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { compileCache } from './compile-cache.ts'

const main = fileURLToPath(new URL('../../worker/main.ts', import.meta.url))

export interface CommandResult {
  code: number | null
  stdout: string
  stderr: string
}

/** Runs `enricher …` as a process of its own, from source: a command loads only what it needs. */
export class CommandProcess {
  readonly child
  readonly result: Promise<CommandResult>
  stdout = ''
  stderr = ''

  constructor(environment: Record<string, string>, ...args: string[]) {
    this.child = spawn(process.execPath, [main, ...args], {
      env: { PATH: process.env.PATH ?? '', NODE_ENV: 'production', NODE_COMPILE_CACHE: compileCache, ...environment },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    this.child.stdout.on('data', (bytes: Buffer) => {
      this.stdout += bytes.toString()
    })
    this.child.stderr.on('data', (bytes: Buffer) => {
      this.stderr += bytes.toString()
    })
    this.result = new Promise((resolve) =>
      this.child.once('close', (code) => resolve({ code, stdout: this.stdout, stderr: this.stderr })),
    )
  }
}

/** Runs `enricher …` to its end. */
export function runCommand(environment: Record<string, string>, ...args: string[]): Promise<CommandResult> {
  return new CommandProcess(environment, ...args).result
}
