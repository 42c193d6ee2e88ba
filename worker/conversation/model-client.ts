import { statSync } from 'node:fs'
import type { TokenCredential } from '@azure/identity'
import OpenAI from 'openai'
import type { ChatCompletionCreateParamsNonStreaming } from 'openai/resources/chat/completions'
import * as z from 'zod'
import { type ModelConfiguration, readKeyFile } from '../configuration.ts'
import type { AttackSign } from '../untrusted/incident-guard.ts'
import { boundedFetch } from './bounded-fetch.ts'
import { adaptationFor, classifyModelError, malformedAnswer } from './classify-model-error.ts'
import { signsOfCompletion } from './prompt-shields.ts'

export interface ChatMessage {
  role: 'system' | 'user' | 'assistant'
  content: string
}

/** One completion to ask for. */
export interface ModelRequest {
  model: string
  messages: ChatMessage[]
  /** Ceiling of the completion in tokens, a reasoning model's thinking included. */
  maxCompletionTokens: number
  temperature: number | undefined
  reasoningEffort: string | undefined
  /** A JSON schema that the answer must satisfy. */
  schema: Record<string, unknown> | undefined
  /** ARM id, in lower case, of the workspace that the call is made for; for telemetry, never sent. */
  workspace?: string
}

export interface ModelAnswer {
  text: string
  finishReason: string
  promptTokens: number
  completionTokens: number
  cachedTokens: number
  /** What Azure's Prompt Shields noticed in the prompt without refusing it. */
  attackSigns: AttackSign[]
  /** What the answer's headers say the model grants per minute. */
  limitTokens?: number
}

export interface ModelClient {
  /** One request, no retries. @throws Failure as classify-model-error.ts says, with what was charged where that is known. */
  complete(request: ModelRequest, signal: AbortSignal): Promise<ModelAnswer>
}

/** A completion of a few hundred tokens takes seconds; a reasoning model may think for a minute or two. */
const requestTimeoutMs = 180_000

const completionSchema = z.object({
  choices: z
    .array(
      z.object({
        finish_reason: z.string().nullish(),
        message: z.object({ content: z.string().nullish(), refusal: z.string().nullish() }),
      }),
    )
    .min(1),
  usage: z
    .object({
      prompt_tokens: z.number(),
      completion_tokens: z.number(),
      prompt_tokens_details: z.object({ cached_tokens: z.number().nullish() }).nullish(),
    })
    .nullish(),
})

/**
 * The model behind one `OpenAI` client: OpenAI, Azure OpenAI over its v1 path, or any compatible server. Parameters that a
 * model refuses are learnt once per model and left out from then on.
 */
export function createModelClient(
  configuration: ModelConfiguration,
  credential: () => TokenCredential,
  /** What sends the requests; `enricher check` looks over its shoulder. */
  fetchWith: typeof fetch = boundedFetch,
  timeoutMs = requestTimeoutMs,
): ModelClient {
  const client = new OpenAI({
    baseURL: configuration.baseUrl,
    apiKey: keySource(configuration, credential),
    // The client would read these from the environment, where another tool's settings may stand.
    organization: null,
    project: null,
    webhookSecret: null,
    maxRetries: 0,
    timeout: timeoutMs,
    logLevel: 'off',
    fetch: fetchWith,
    // A redirect would carry the incident to another host.
    fetchOptions: { redirect: 'error' },
  })
  const learnt = new Map<string, Set<Adaptation>>()

  return {
    async complete(request, signal) {
      const adaptations = learnt.get(request.model) ?? new Set<Adaptation>()
      learnt.set(request.model, adaptations)
      // Each refusal teaches one parameter, so the loop ends after as many tries as there are adaptations.
      for (;;) {
        // What this request leaves out; others learn meanwhile, and a refusal says only what this one still had.
        const sent = new Set(adaptations)
        try {
          const { data, response } = await client.chat.completions
            .create(parametersOf(request, sent, configuration), { signal })
            .withResponse()
          const limitTokens = Number(response.headers.get('x-ratelimit-limit-tokens') ?? Number.NaN)
          // -1 is Azure's word for unknown.
          return { ...readAnswer(data), ...(limitTokens > 0 ? { limitTokens } : {}) }
        } catch (error) {
          const adaptation = adaptationFor(error, sent)
          if (adaptation === undefined) throw classifyModelError(error, signal)
          adaptations.add(adaptation)
        }
      }
    },
  }
}

/** What a model can refuse: each is tried once without. */
export type Adaptation = 'max_tokens' | 'no-temperature' | 'no-reasoning-effort'

function parametersOf(
  request: ModelRequest,
  adaptations: ReadonlySet<Adaptation>,
  configuration: ModelConfiguration,
): ChatCompletionCreateParamsNonStreaming {
  const cap = request.maxCompletionTokens
  const parameters: ChatCompletionCreateParamsNonStreaming = {
    model: request.model,
    messages: request.messages,
    ...(adaptations.has('max_tokens') ? { max_tokens: cap } : { max_completion_tokens: cap }),
  }
  if (request.temperature !== undefined && !adaptations.has('no-temperature'))
    parameters.temperature = request.temperature
  if (request.reasoningEffort !== undefined && !adaptations.has('no-reasoning-effort')) {
    parameters.reasoning_effort = request.reasoningEffort as ChatCompletionCreateParamsNonStreaming['reasoning_effort']
  }
  if (request.schema) {
    parameters.response_format = {
      type: 'json_schema',
      json_schema: { name: 'answer', strict: true, schema: request.schema },
    }
  }
  // Incidents are not training or evaluation data; a compatible server may not know the parameter.
  if (configuration.provider !== 'compatible') parameters.store = false
  return parameters
}

function readAnswer(data: unknown): ModelAnswer {
  const parsed = completionSchema.safeParse(data)
  if (!parsed.success) throw malformedAnswer(data)
  const choice = parsed.data.choices[0]
  const { usage } = parsed.data
  return {
    text: choice?.message.content ?? '',
    finishReason: choice?.message.refusal ? 'refusal' : (choice?.finish_reason ?? 'stop'),
    promptTokens: usage?.prompt_tokens ?? 0,
    completionTokens: usage?.completion_tokens ?? 0,
    cachedTokens: usage?.prompt_tokens_details?.cached_tokens ?? 0,
    attackSigns: signsOfCompletion(data),
  }
}

/** The key, asked for at every request: from the environment, from a file that is read again when it changes, or a token. */
function keySource(
  configuration: ModelConfiguration,
  credential: () => TokenCredential,
): string | (() => Promise<string>) {
  if (configuration.apiKey) return configuration.apiKey
  const { apiKeyFile } = configuration
  if (apiKeyFile) {
    let seen = ''
    let key = ''
    return async () => {
      // A secret mount swaps a symlink, so size and time of the target tell; watching the name would miss it.
      const { mtimeMs, size, ino } = statSync(apiKeyFile)
      const now = `${mtimeMs} ${size} ${ino}`
      if (now !== seen) key = readKeyFile(apiKeyFile)
      seen = now
      return key
    }
  }
  const identity = credential()
  let token: { token: string; expiresOnTimestamp: number } | undefined
  return async () => {
    if (!token || token.expiresOnTimestamp - Date.now() < 5 * 60_000) {
      token = (await identity.getToken(configuration.tokenScope)) ?? undefined
    }
    if (!token) throw new Error('The identity answered no token')
    return token.token
  }
}
