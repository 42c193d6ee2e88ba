import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { parse } from 'yaml'
import { startBroker } from '../../deploy/local/service-bus/broker.ts'
import { startTables } from '../../deploy/local/tables/tables.ts'
import { type LogLine, WorkerOutput, WorkerProcess } from '../harness/worker-process.ts'

const repository = new URL('../../', import.meta.url)
const compose = parse(readFileSync(new URL('docker/compose.yaml', repository), 'utf8'), { merge: true }) as {
  services: { worker: { environment: Record<string, string> }; servers: { command: string[] } }
}

describe("compose's servers, with the embedded broker and Azurite in place of the two containers", {
  timeout: 60_000,
}, () => {
  const folder = mkdtempSync(join(tmpdir(), 'enricher-compose-'))
  const certificate = join(folder, 'local-stack.pem')
  let servers: WorkerOutput
  let printed: Record<string, string>
  let incident: string

  before(async () => {
    const [program = '', ...args] = compose.services.servers.command
    const freePorts = ['--sentinel-port=0', '--model-port=0', '--identity-port=0', '--latency-ms=20']
    const here = args.map((word) => word.replace('/certificates', folder))
    servers = new WorkerOutput(
      spawn(process.execPath, [fileURLToPath(new URL(program, repository)), ...here, ...freePorts], { stdio: 'pipe' }),
    )
    await servers.line((line) => line.text === 'ready')
    const texts = servers.lines.map((line: LogLine) => String(line.text))
    printed = Object.fromEntries(texts.filter((text) => text.includes('=')).map((text) => text.split(/=(.*)/s)))
    incident = texts.find((text) => text.startsWith('An incident'))?.replace(/^.*: /, '') ?? ''
  })
  after(async () => {
    assert.equal(await servers.stop(), 0)
    rmSync(folder, { recursive: true, force: true })
  })

  it("the worker of compose's environment enriches the incident that the servers offer", async () => {
    const broker = await startBroker({ queues: [{ name: 'incidents', lockDurationMs: 60_000 }] })
    const tables = await startTables({ port: 0 })
    const { environment } = compose.services.worker
    const elsewhere: Record<string, string> = {
      ...printed,
      SERVICEBUS_CONNECTION_STRING: broker.connectionString,
      AZURE_TABLES_CONNECTION_STRING: tables.connectionString,
      NODE_EXTRA_CA_CERTS: certificate,
    }
    for (const [name, value] of Object.entries(printed)) {
      const paths = [environment[name], value].map((url) => new URL(url ?? '').pathname)
      assert.equal(paths[0], paths[1], `${name} differs in more than the port`)
    }
    const worker = new WorkerProcess({ ...environment, ...elsewhere }, 'run')
    await worker.line((line) => line.event === 'worker.started')
    const enqueued = new WorkerProcess({ ...environment, ...elsewhere }, 'enqueue', incident)
    assert.equal(await enqueued.exited, 0, enqueued.stderr)
    const line = await worker.line((one) => /^incident\.(enriched|deferred|dead-lettered)$/.test(one.event ?? ''))
    assert.equal(line.event, 'incident.enriched', JSON.stringify(line))
    assert.equal(await worker.stop(), 0)
    await Promise.all([broker.close(), tables.close()])
  })
})
