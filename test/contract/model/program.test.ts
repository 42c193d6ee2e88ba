import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { test } from 'node:test'
import OpenAI from 'openai'

const main = new URL('../../../deploy/local/model/main.ts', import.meta.url).pathname

test('the program prints what connects a client to it, then ready, answers, and ends cleanly on SIGTERM', async (t) => {
  const program = spawn(process.execPath, [main, '--tokens-per-minute', '30000'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  t.after(() => program.kill('SIGKILL'))
  const environment: Record<string, string> = {}
  for await (const line of createInterface(program.stdout)) {
    if (line === 'ready') break
    const [name = '', value = ''] = line.split('=')
    environment[name] = value
  }
  const client = new OpenAI({ baseURL: environment.OPENAI_BASE_URL, apiKey: environment.OPENAI_API_KEY, maxRetries: 0 })
  const { response } = await client.chat.completions
    .create({ model: 'm', messages: [{ role: 'user', content: 'hi' }] })
    .withResponse()
  assert.equal(response.headers.get('x-ratelimit-limit-tokens'), '30000')
  program.kill('SIGTERM')
  assert.deepEqual(await once(program, 'exit'), [0, null])
})

test('wrong usage is one sentence and exit 2; --help is exit 0', async () => {
  for (const [args, code, words] of [
    [['--dialect', 'french'], 2, /--dialect is openai or azure/],
    [['--port', 'x'], 2, /--port takes a whole number/],
    [['--nonsense'], 2, /nonsense/],
    [['--help'], 0, /--tokens-per-minute/],
  ] as const) {
    const program = spawn(process.execPath, [main, ...args])
    let output = ''
    for (const stream of [program.stdout, program.stderr]) stream.on('data', (chunk: Buffer) => (output += chunk))
    assert.deepEqual(await once(program, 'close'), [code, null])
    assert.match(output, words)
  }
})
