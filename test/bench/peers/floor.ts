import { randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import rhea, { type EventContext } from 'rhea'
import { Pool } from 'undici'
import {
  type Message,
  model,
  type PeerIncident,
  planMessages,
  planTokens,
  stepQuestion,
  steps,
  stepTokens,
  taggedBody,
  taskBody,
} from './conversation.ts'

/**
 * The floor: a bare undici loop with the worker's calls to Sentinel and the model, in the worker's order, and messages
 * received and accepted with plain AMQP. No SDK, no retries, no record, no counting, no guard: nobody could run this, and
 * nothing that makes these calls from Node costs less.
 */
const { env } = process
const arm = env.AZURE_RESOURCE_MANAGER_URL ?? ''
const modelUrl = new URL(env.OPENAI_BASE_URL ?? '')
const apiVersion = 'api-version=2025-09-01'
const concurrency = Number(env.CONCURRENCY ?? 16)

const armPool = new Pool(arm, {
  connections: concurrency * 2,
  connect: { ca: readFileSync(env.NODE_EXTRA_CA_CERTS ?? '') },
})
const modelPool = new Pool(modelUrl.origin, { connections: concurrency * 3 })
const identity = await fetch(`${env.IDENTITY_ENDPOINT}?resource=${arm}&api-version=2019-08-01`, {
  headers: { 'x-identity-header': env.IDENTITY_HEADER ?? '' },
})
const { access_token: token } = (await identity.json()) as { access_token: string }
const armHeaders = { authorization: `Bearer ${token}`, 'content-type': 'application/json' }
const modelHeaders = { authorization: `Bearer ${env.OPENAI_API_KEY}`, 'content-type': 'application/json' }

async function send<T>(pool: Pool, method: 'GET' | 'PUT' | 'POST', path: string, body?: unknown): Promise<T> {
  const response = await pool.request({
    method,
    path,
    headers: pool === armPool ? armHeaders : modelHeaders,
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  })
  if (response.statusCode >= 300) throw new Error(`${method} ${path} answered ${response.statusCode}`)
  return (await response.body.json()) as T
}

async function ask(messages: Message[], cap: number): Promise<string> {
  const completion = await send<{ choices: { message: { content: string } }[] }>(
    modelPool,
    'POST',
    `${modelUrl.pathname}/chat/completions`,
    { model, messages, max_completion_tokens: cap },
  )
  return completion.choices[0]?.message.content ?? ''
}

const to = (path: string) => `${path}?${apiVersion}`

async function enrich(armId: string): Promise<void> {
  const [incident] = await Promise.all([
    send<PeerIncident>(armPool, 'GET', to(armId)),
    send(armPool, 'GET', to(`${armId}/tasks`)),
  ])
  const history = planMessages(incident)
  history.push({ role: 'assistant', content: await ask(history, planTokens) })
  const numbers = Array.from({ length: steps }, (_, index) => index + 1)
  const answers = await Promise.all(numbers.map((number) => ask([...history, stepQuestion(number)], stepTokens)))
  for (const [index, answer] of answers.entries()) {
    await send(armPool, 'PUT', to(`${armId}/tasks/${randomUUID()}`), taskBody(index + 1, answer))
  }
  await send(armPool, 'PUT', to(armId), taggedBody(await send<PeerIncident>(armPool, 'GET', to(armId))))
}

const endpoint = new URL(/Endpoint=(sb:\/\/[^;]+)/.exec(env.SERVICEBUS_CONNECTION_STRING ?? '')?.[1] ?? '')
const container = rhea.create_container()
const connection = container.connect({ host: endpoint.hostname, port: Number(endpoint.port), reconnect: false })
const receiver = connection.open_receiver({
  source: env.SERVICEBUS_QUEUE ?? '',
  credit_window: 0,
  autoaccept: false,
  autosettle: true,
  snd_settle_mode: 0,
  rcv_settle_mode: 0,
})
receiver.on('receiver_open', () => receiver.add_credit(concurrency))
container.on('message', ({ message, delivery }: EventContext) => {
  const body = message?.body as { content: Buffer }
  void enrich(String(JSON.parse(body.content.toString()))).then(() => {
    delivery?.accept()
    receiver.add_credit(1)
  })
})
process.once('SIGTERM', () => process.exit(0))
