import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import { Agent, get } from 'node:https'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { test } from 'node:test'
import { localWorkspaces } from '../../../deploy/local/sentinel/workspaces.ts'

test('as a program it prints how to reach it, answers over TLS, and ends with 0 on SIGTERM', async (context) => {
  const program = join(import.meta.dirname, '../../../deploy/local/sentinel/main.ts')
  const child = spawn(process.execPath, [program], { stdio: ['ignore', 'pipe', 'inherit'] })
  context.after(() => child.kill('SIGKILL'))
  const printed = new Map<string, string>()
  for await (const line of createInterface(child.stdout)) {
    if (line === 'ready') break
    const [name = '', value = ''] = line.split(/=(.*)/s)
    printed.set(name, value)
  }
  assert.equal(printed.get('SENTINEL_WORKSPACES'), localWorkspaces.map(({ armId }) => armId).join(','))
  const certificate = printed.get('NODE_EXTRA_CA_CERTS') ?? ''
  const agent = new Agent({ ca: readFileSync(certificate) })
  const [response] = await once(get(printed.get('AZURE_RESOURCE_MANAGER_URL') ?? '', { agent }), 'response')
  response.resume()
  assert.equal(response.statusCode, 401)

  const exited = once(child, 'exit')
  child.kill('SIGTERM')
  assert.deepEqual(await exited, [0, null])
  assert.ok(!existsSync(certificate))
})
