import type { TestContext } from 'node:test'
import OpenAI from 'openai'
import type { ChatCompletion, ChatCompletionCreateParamsNonStreaming } from 'openai/resources/chat/completions'
import type { ModelOptions } from '../../../deploy/local/model/model-options.ts'
import { type ModelServer, startModel } from '../../../deploy/local/model/server.ts'

export type Parameters = Partial<ChatCompletionCreateParamsNonStreaming>

export interface ModelUnderTest {
  model: ModelServer
  /** The real client, which retries nothing, on the dialect's path. */
  client: OpenAI
  ask(parameters?: Parameters): Promise<{ data: ChatCompletion; headers: Headers }>
}

/** A plan for a sign-in incident: a dozen words that every rule of the server applies to. */
export const question =
  'Recommend 3 steps.\nTitle: Password spray from 203.0.113.4\nSeverity: High\nDescription: many failed logins'

/** Starts a server for one test and closes it with the test. */
export async function startForTest(t: TestContext, options: ModelOptions = {}): Promise<ModelUnderTest> {
  const model = await startModel(options)
  t.after(() => model.close())
  const baseURL = options.dialect === 'azure' ? `${model.azureEndpoint}/openai/v1/` : model.openaiBaseUrl
  const client = new OpenAI({ baseURL, apiKey: options.apiKeys?.[0] ?? 'test-key', maxRetries: 0, timeout: 10_000 })
  return {
    model,
    client,
    async ask(parameters = {}) {
      const body = { model: 'gpt-4.1-mini', messages: [{ role: 'user' as const, content: question }], ...parameters }
      const { data, response } = await client.chat.completions.create(body).withResponse()
      return { data, headers: response.headers }
    },
  }
}

/** The error that a call ends with. @throws when it succeeds */
export async function failureOf(
  call: Promise<unknown>,
): Promise<InstanceType<typeof OpenAI.APIError> & { cause?: unknown }> {
  const error = await call.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  if (!(error instanceof Error)) throw new Error('the call succeeded')
  return error as InstanceType<typeof OpenAI.APIError>
}

/** A clock that stands until it is moved. */
export function movableClock() {
  let at = 1_800_000_000_000
  return {
    now: () => at,
    advance: (ms: number) => {
      at += ms
    },
  }
}
