import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { DefaultAzureCredential, getBearerTokenProvider } from '@azure/identity'
import { ServiceBusClient } from '@azure/service-bus'
import OpenAI from 'openai'
import pLimit from 'p-limit'
import pRetry, { type RetryContext } from 'p-retry'
import {
  type Message,
  model,
  type PeerIncident,
  planMessages,
  planTokens,
  stepQuestion,
  steps,
  stepTokens,
  tag,
  taggedBody,
  taskBody,
} from './conversation.ts'

/**
 * The script that a good engineer writes in an afternoon: the SDKs, p-retry and p-limit, random task ids. It keeps no
 * record, so whatever it holds when it dies is paid for and written again.
 *
 * `script.ts parallel` asks for the steps side by side; `script.ts published` asks one after the other with the history of
 * all of them, as the published playbook does.
 */
const published = process.argv[2] === 'published'
const arm = process.env.AZURE_RESOURCE_MANAGER_URL ?? ''
const apiVersion = 'api-version=2025-09-01'
const concurrency = Number(process.env.CONCURRENCY ?? 16)

const limit = pLimit(concurrency)
const openai = new OpenAI({ maxRetries: 0 })
const token = getBearerTokenProvider(new DefaultAzureCredential(), `${arm}/.default`)

/** Waits as long as a 429 asks for; p-retry's own back-off comes on top. */
async function afterRefusal({ error }: RetryContext): Promise<void> {
  const { headers } = error as { headers?: Headers }
  const seconds = Number(headers?.get('retry-after') ?? 0)
  if (seconds > 0) await sleep(seconds * 1000)
}

const retries = { retries: 10, minTimeout: 500, maxTimeout: 30_000, randomize: true, onFailedAttempt: afterRefusal }

async function ask(messages: Message[], cap: number): Promise<string> {
  const completion = await pRetry(
    () => openai.chat.completions.create({ model, messages, max_completion_tokens: cap }),
    retries,
  )
  return completion.choices[0]?.message.content ?? ''
}

async function call<T>(method: 'GET' | 'PUT', path: string, body?: unknown): Promise<T> {
  return await pRetry(async () => {
    const response = await fetch(`${arm}${path}?${apiVersion}`, {
      method,
      headers: { authorization: `Bearer ${await token()}`, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    if (!response.ok) throw Object.assign(new Error(`${method} ${response.status}`), { headers: response.headers })
    return (await response.json()) as T
  }, retries)
}

async function askForSteps(incident: PeerIncident): Promise<string[]> {
  const history = planMessages(incident)
  history.push({ role: 'assistant', content: await ask(history, planTokens) })
  const numbers = Array.from({ length: steps }, (_, index) => index + 1)
  if (!published) {
    return await Promise.all(numbers.map((number) => ask([...history, stepQuestion(number)], stepTokens)))
  }
  const answers: string[] = []
  for (const number of numbers) {
    history.push(stepQuestion(number))
    const answer = await ask(history, stepTokens)
    history.push({ role: 'assistant', content: answer })
    answers.push(answer)
  }
  return answers
}

async function enrich(armId: string): Promise<void> {
  const incident = await call<PeerIncident>('GET', armId)
  if (incident.properties.labels?.some((label) => label.labelName === tag)) return
  for (const [index, answer] of (await askForSteps(incident)).entries()) {
    await call('PUT', `${armId}/tasks/${randomUUID()}`, taskBody(index + 1, answer))
  }
  await call('PUT', armId, taggedBody(await call<PeerIncident>('GET', armId)))
  console.log(JSON.stringify({ event: 'incident.enriched', armId }))
}

const client = new ServiceBusClient(process.env.SERVICEBUS_CONNECTION_STRING ?? '')
const receiver = client.createReceiver(process.env.SERVICEBUS_QUEUE ?? '', { maxAutoLockRenewalDurationInMs: 600_000 })
receiver.subscribe(
  {
    processMessage: (message) => limit(() => enrich(String(message.body))),
    processError: async ({ error }) => console.error(error),
  },
  { maxConcurrentCalls: concurrency, autoCompleteMessages: true },
)
process.once('SIGTERM', () => process.exit(0))
