import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { createServer as createHttpServer, type RequestListener, type Server } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { after, before, describe, it } from 'node:test'
import { TableClient } from '@azure/data-tables'
import { ServiceBusClient } from '@azure/service-bus'
import { textOf } from '../../deploy/local/model/chat-request.ts'
import type { Fault } from '../../deploy/local/model/fault.ts'
import { europeWorkspace } from '../../deploy/local/sentinel/workspaces.ts'
import { type Stack, startStack } from '../../deploy/local/start-stack.ts'
import { secretExamples } from '../fixtures/secret-examples.ts'
import { useBundledWorker } from '../harness/bundled-worker.ts'
import { WorkerProcess } from '../harness/worker-process.ts'

/** Everything that can go wrong with a call, so that every kind of error had its chance to quote what it carried. */
const faults: Fault[] = [
  { kind: 'serverError', status: 500 },
  { kind: 'serverError', status: 502, html: true },
  { kind: 'reset' },
  { kind: 'truncateBody' },
  { kind: 'malformedJson' },
  { kind: 'htmlPage' },
  { kind: 'emptyBody' },
  { kind: 'errorInside200' },
  { kind: 'noChoices' },
  { kind: 'cutByLength' },
  { kind: 'emptyByLength' },
  { kind: 'contentFilteredPrompt' },
  { kind: 'contentFilteredOutput' },
  { kind: 'refusal' },
  { kind: 'unauthorized' },
  { kind: 'forbidden' },
  { kind: 'modelNotFound' },
  { kind: 'insufficientQuota' },
  { kind: 'rateLimited', retryAfterMs: 1 },
  { kind: 'requestTooLarge' },
  { kind: 'contextTooLong' },
  { kind: 'unsupportedParameter', param: 'max_completion_tokens' },
  { kind: 'redirect', location: 'http://127.0.0.1:9/' },
]

/** While a circuit is open nothing is tried, so these strike once. */
const opensCircuit = new Set<Fault['kind']>([
  'unauthorized',
  'forbidden',
  'modelNotFound',
  'insufficientQuota',
  'redirect',
])

describe('planted secrets', { timeout: 120_000 }, () => {
  let stack: Stack
  const key = `sk-planted-${randomBytes(18).toString('hex')}`
  before(async () => {
    await useBundledWorker()
    stack = await startStack({ sentinelThrottle: false })
  })
  after(() => stack.close())

  it('of the configuration are in no byte that a run leaves behind, those of incidents in none that leaves for the model or comes back', async (t) => {
    const { store } = stack.sentinel
    const incidents = secretExamples.map(({ text }, index) =>
      store.addIncident({
        workspace: europeWorkspace,
        id: `5ec2e700-5eed-4a00-8000-${String(index).padStart(12, '0')}`,
        title: `Case ${index}. Suspicious command`,
        description: `Seen on srv-01: ${text}`,
        severity: 'High',
        alerts: [{ title: text, description: text }],
        entities: [{ kind: 'Process', name: 'p', properties: { commandLine: text } }],
      }),
    )
    incidents.forEach(({ properties }, index) => {
      // Some get an error first, some nothing but errors; every fourth answer quotes the question.
      const fault = faults[index % (faults.length + 20)]
      const mark = properties.title.split(' S')[0] ?? ''
      if (fault) stack.model.faults.next(fault, opensCircuit.has(fault.kind) || index % 2 === 0 ? 1 : 3, mark)
      else stack.model.faults.always({ kind: 'says', text: `1. Found ${secretExamples[index]?.text}` }, mark)
    })
    stack.sentinel.faults.fail({ status: 500, times: 3 })
    const environment = {
      ...stack.environment,
      OPENAI_API_KEY: key,
      LOG_LEVEL: 'trace',
      SENTINEL_WRITES_PER_SECOND: '1000',
      MAX_ATTEMPTS: '2',
      RETRY_BASE_SECONDS: '0.05',
      TOKENS_PER_INCIDENT: '200000',
    }
    const worker = new WorkerProcess(environment, 'run')
    await worker.line((line) => line.event === 'worker.started')
    const process = ['cmdline', 'comm'].map((name) => readProc(worker.child.pid, name))
    const client = new ServiceBusClient(stack.broker.connectionString)
    await client.createSender('incidents').sendMessages([
      ...incidents.map(({ id }) => ({ body: id })),
      // Secrets in what cannot be understood at all.
      ...secretExamples.map(({ text }) => ({ body: text, messageId: `bad-${randomBytes(4).toString('hex')}` })),
    ])
    await worker.settled(incidents.length + secretExamples.length)
    const table = TableClient.fromConnectionString(stack.tables.connectionString, 'EnricherRuns', {
      allowInsecureConnection: true,
    })
    const rows: string[] = []
    for await (const row of table.listEntities()) rows.push(JSON.stringify(row))
    const held = await heldAnswer(stack)
    await worker.stop()
    await client.close()

    const written = incidents.flatMap(({ id }) => store.writesOf(id))
    const tasks = JSON.stringify(
      incidents.flatMap(({ id }) => [store.tasks(id), store.comments(id), store.incident(id).properties.labels]),
    )
    const places: Record<string, string> = {
      stdout: worker.lines.map((line) => JSON.stringify(line)).join('\n'),
      stderr: worker.stderr,
      'process title and arguments': process.join('\n'),
      'table rows': [...rows, held].join('\n'),
      // The body is the sender's own; what the worker added is looked at.
      'dead letters': JSON.stringify(
        stack.broker
          .inspect('incidents')
          .deadLettered.map(({ deadLetterReason, deadLetterDescription, applicationProperties }) => [
            deadLetterReason,
            deadLetterDescription,
            applicationProperties,
          ]),
      ),
      'tasks, comments and tags': tasks,
      prompts: stack.model.journal.map((one) => one.messages.map(textOf).join('\n')).join('\n'),
    }
    assert.ok(
      places.stdout &&
        places.stdout.length > 50_000 &&
        rows.length > 40 &&
        written.length > 100 &&
        (places.prompts?.length ?? 0) > 100_000,
    )
    assert.ok(worker.lines.some((line) => line.event === 'incident.dead-lettered' && line.reason !== 'InvalidMessage'))

    const configured = [
      key,
      stack.environment.IDENTITY_HEADER ?? '',
      ...stack.identity.issued.map((one) => one.token),
      ...connectionSecrets(stack),
    ]
    assert.ok(configured.length >= 5 && configured.every((secret) => secret.length > 10))
    for (const [place, bytes] of Object.entries(places)) {
      for (const secret of configured) assert.ok(!bytes.includes(secret), `a secret of the configuration in ${place}`)
      for (const { kind, secret, text } of secretExamples)
        assert.ok(!holds(bytes, secret), `${kind} in ${place}: ${text}`)
    }
    t.diagnostic(
      `${configured.length} secrets of the configuration and ${secretExamples.length} of incidents, in ${Object.values(places).join('').length} bytes`,
    )
  })

  it('are in nothing that a crash leaves behind', async () => {
    const bomb = `setTimeout(() => { throw Object.assign(new Error(process.env.OPENAI_API_KEY), { headers: { authorization: process.env.OPENAI_API_KEY } }) }, 2500)`
    const worker = new WorkerProcess(
      {
        ...stack.environment,
        OPENAI_API_KEY: key,
        NODE_OPTIONS: `--import data:text/javascript,${encodeURIComponent(bomb)}`,
      },
      'run',
    )
    await worker.line((line) => line.event === 'worker.stopped')
    assert.equal(await worker.exited, 1)
    const left = `${worker.stderr}\n${JSON.stringify(worker.lines)}`
    assert.match(left, /that nothing handles/)
    assert.ok(!left.includes(key))
  })

  it('a key, a token and an incident follow no redirect, and go to no other host', async () => {
    const foreign: string[] = []
    const note =
      (from: string): RequestListener =>
      (request, response) => {
        foreign.push(`${from} ${request.url}`)
        response.end('{}')
      }
    const other = createHttpServer(note('http'))
    const otherTls = createTlsServer(stack.certificate, note('https'))
    const [plain, tls] = [`http://127.0.0.1:${await listen(other)}`, `https://127.0.0.1:${await listen(otherTls)}`]
    const asked: Record<string, number> = { model: 0, arm: 0, tables: 0 }
    const redirecting =
      (name: string, to: string): RequestListener =>
      (request, response) => {
        asked[name] = (asked[name] ?? 0) + 1
        response.writeHead(307, { location: `${to}${request.url}` }).end()
      }
    const [model, arm, tables] = [
      createHttpServer(redirecting('model', plain)),
      createTlsServer(stack.certificate, redirecting('arm', tls)),
      createHttpServer(redirecting('tables', plain)),
    ]
    const ports = { model: await listen(model), arm: await listen(arm), tables: await listen(tables) }
    const incident = stack.sentinel.store.incidents()[0]
    assert.ok(incident)
    const runs: Record<string, Record<string, string>> = {
      model: {
        STATE_STORE: 'memory',
        AZURE_TABLES_CONNECTION_STRING: '',
        OPENAI_BASE_URL: `http://127.0.0.1:${ports.model}/v1`,
      },
      arm: {
        STATE_STORE: 'memory',
        AZURE_TABLES_CONNECTION_STRING: '',
        AZURE_RESOURCE_MANAGER_URL: `https://127.0.0.1:${ports.arm}`,
      },
      tables: {
        AZURE_TABLES_CONNECTION_STRING: `DefaultEndpointsProtocol=http;AccountName=a;AccountKey=${randomBytes(32).toString('base64')};TableEndpoint=http://127.0.0.1:${ports.tables}/a;`,
      },
    }
    const client = new ServiceBusClient(stack.broker.connectionString)
    await Promise.all(
      Object.entries(runs).map(async ([name, environment], index) => {
        const queue = { SERVICEBUS_QUEUE: 'incidents', RETRY_BASE_SECONDS: '600' }
        // One message for whichever worker is first: each of the three gets one of its own.
        const worker = new WorkerProcess({ ...stack.environment, ...queue, ...environment, CONCURRENCY: '1' }, 'run')
        await worker.line((line) => line.event === 'worker.started')
        for (let round = 0; (asked[name] ?? 0) === 0; round++) {
          await client.createSender('incidents').sendMessages({ body: incident.id, messageId: `r${index}-${round}` })
          await worker.line((line) => line.event === 'incident.deferred' || line.event === 'circuit.opened')
        }
        await worker.stop()
        assert.ok(worker.lines.every((line) => line.event !== 'incident.enriched'))
      }),
    )
    await client.close()
    for (const server of [other, otherTls, model, arm, tables] as Server[]) server.close()
    assert.ok(
      Object.values(asked).every((count) => count > 0),
      JSON.stringify(asked),
    )
    assert.deepEqual(foreign, [])
  })
})

/** The row of a run that is under way: its checkpointed answers are dropped when it ends. */
async function heldAnswer(stack: Stack): Promise<string> {
  const { store } = stack.sentinel
  const text = secretExamples
    .map((one) => one.text)
    .join('\n')
    .slice(0, 4_000)
  const incident = store.addIncident({
    workspace: europeWorkspace,
    id: '5ec2e700-5eed-4a00-8000-00000000feed',
    title: 'Case held.',
    description: text,
    severity: 'High',
  })
  stack.model.faults.next({ kind: 'says', text: `1. ${text}` }, 1, 'Case held.')
  const hold = stack.model.faults.hold({ text: 'Case held.', turn: 'follow-up' })
  const client = new ServiceBusClient(stack.broker.connectionString)
  const waiting = new Promise<void>((resolve) => {
    stack.model.events.on('request', (request) => {
      if (request.messages.length === 4 && request.messages.some((message) => textOf(message).includes('Case held.')))
        resolve()
    })
  })
  await client.createSender('incidents').sendMessages({ body: incident.id })
  await waiting
  const table = TableClient.fromConnectionString(stack.tables.connectionString, 'EnricherRuns', {
    allowInsecureConnection: true,
  })
  const rows: string[] = []
  for await (const row of table.listEntities()) rows.push(JSON.stringify(row))
  hold.release()
  await client.close()
  const row = rows.find((one) => one.includes('feed'))
  assert.match(row ?? '', /SECRET:/, 'the checkpointed answer is there, redacted')
  return row ?? ''
}

/** Whether the text holds the secret, as it is or as JSON writes it. */
function holds(bytes: string, secret: string): boolean {
  return bytes.includes(secret) || bytes.includes(JSON.stringify(secret).slice(1, -1))
}

function connectionSecrets(stack: Stack): string[] {
  const all = `${stack.environment.SERVICEBUS_CONNECTION_STRING};${stack.environment.AZURE_TABLES_CONNECTION_STRING}`
  return [...all.matchAll(/(?:SharedAccessKey|AccountKey)=([^;]+)/g)].map((match) => match[1] ?? '')
}

function readProc(pid: number | undefined, name: string): string {
  try {
    return readFileSync(`/proc/${pid}/${name}`, 'utf8')
  } catch {
    return ''
  }
}

function listen(server: Server): Promise<number> {
  return new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve((server.address() as AddressInfo).port)))
}
