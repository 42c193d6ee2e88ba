import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { startStack } from '../../deploy/local/start-stack.ts'
import { compileCache } from '../harness/compile-cache.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
/** The README's code block that begins with the shell function `enricher`. */
const tour = /```sh\n(enricher\(\) [\s\S]*?)```/.exec(readFileSync(join(root, 'README.md'), 'utf8'))?.[1]

describe("the README's tour of the operator's commands", {
  timeout: 150_000,
  skip: tour ? false : 'the README has none',
}, () => {
  it('works as written, line by line, with the exit codes it names', async () => {
    const stack = await startStack({ sentinelThrottle: false, model: { latencyMs: 0 } })
    // A checkout of its own, so that the tour's files and the .env lie nowhere else.
    const folder = mkdtempSync(join(tmpdir(), 'operator-readme-'))
    for (const name of ['worker', 'shared', 'node_modules', 'package.json'])
      symlinkSync(join(root, name), join(folder, name))
    writeFileSync(
      join(folder, '.env'),
      Object.entries(stack.environment)
        .map(([name, value]) => `${name}=${value}\n`)
        .join(''),
    )
    const [define = '', ...lines] = (tour ?? '').trim().split('\n')
    for (const line of lines) {
      const expected = Number(/# exit code (\d)/.exec(line)?.[1] ?? 0)
      const { code, output } = await inShell(`${define}\n${line}`, folder)
      assert.equal(code, expected, `${line}\n${output}`)
    }
    await stack.close()
    rmSync(folder, { recursive: true })
  })
})

function inShell(script: string, folder: string): Promise<{ code: number | null; output: string }> {
  const shell = spawn('sh', ['-c', script], {
    cwd: folder,
    env: { PATH: process.env.PATH ?? '', HEALTH_PORT: '0', XDG_STATE_HOME: folder, NODE_COMPILE_CACHE: compileCache },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let output = ''
  for (const stream of [shell.stdout, shell.stderr]) {
    stream.on('data', (bytes: Buffer) => {
      output += bytes.toString()
    })
  }
  return new Promise((resolve) => shell.once('close', (code) => resolve({ code, output })))
}
