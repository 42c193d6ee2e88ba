import { randomUUID } from 'node:crypto'
import { EventEmitter } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { createAccess, keyOf } from './access.ts'
import { badRequest, modelFailure, modelNotFound, unauthorized, unknownUrl } from './api-failure.ts'
import { createBucketLimiter } from './bucket-limiter.ts'
import { answerChat, type ChatEndpoint, messagesOf, parametersOf } from './chat-endpoint.ts'
import type { Usage } from './chat-request.ts'
import { loadEncoding } from './encode-text.ts'
import { createFaultPlan, type ModelFaults } from './faults.ts'
import { createJournal, type ModelRequest, type ModelTotals } from './journal.ts'
import { limitHeaders } from './limit-headers.ts'
import { createMinuteLimiter } from './minute-limiter.ts'
import { defaultContextWindow, type ModelOptions } from './model-options.ts'
import { createPromptCache } from './prompt-cache.ts'
import { readBody } from './read-body.ts'
import { failureReply, jsonReply, type Reply } from './reply.ts'
import { sendReply } from './send-reply.ts'

export interface ModelEvents {
  /** A chat completion request was read in full; nothing was answered yet. */
  request: [request: ModelRequest]
  /** The last byte of a 200 was handed to the socket. Without usage nothing was billed (a page, an error inside). */
  answered: [request: ModelRequest, usage: Usage | undefined]
  /** The same for any other status. */
  refused: [request: ModelRequest]
}

export interface ModelServer {
  port: number
  /** `http://127.0.0.1:PORT` */
  url: string
  /** For `OPENAI_BASE_URL`. */
  openaiBaseUrl: string
  /** For `AZURE_OPENAI_ENDPOINT`: the client appends `/openai/v1/`. */
  azureEndpoint: string
  events: EventEmitter<ModelEvents>
  /** The newest requests, oldest first, those of `GET /models` included. */
  journal: ModelRequest[]
  /** Chat completions only. */
  totals: ModelTotals
  faults: ModelFaults
  /** From now on these keys alone are accepted (besides `acceptToken`'s). */
  setApiKeys(keys: string[]): void
  close(): Promise<void>
}

const chatPath = /^\/(?:openai\/)?v1\/chat\/completions$/
const modelsPath = /^\/(?:openai\/)?v1\/models(?:\/([^/]+))?$/
const listedModels = ['gpt-4.1-mini', 'gpt-4.1', 'gpt-4o-mini', 'gpt-5-mini', 'o4-mini', 'gpt-4', 'gpt-3.5-turbo']

/**
 * Starts an OpenAI-compatible server on loopback: chat completions whose answers are written by rules from the incident in
 * the prompt, behind a provider's key check, rate limits, prompt cache and bill, with faults on demand.
 */
export async function startModel(options: ModelOptions = {}): Promise<ModelServer> {
  const { dialect = 'openai', now = Date.now } = options
  const limits = { tokensPerMinute: options.tokensPerMinute, requestsPerMinute: options.requestsPerMinute, now }
  const kind = options.limiter ?? (dialect === 'azure' ? 'fixed-minute' : 'bucket')
  const sockets = new Set<Socket>()
  const closing = new AbortController()
  const events = new EventEmitter<ModelEvents>()
  const endpoint: ChatEndpoint = {
    dialect,
    contextWindow: options.contextWindow ?? defaultContextWindow,
    maxTokensParameter: options.maxTokensParameter ?? 'either',
    access: createAccess(options),
    plan: createFaultPlan(() => {
      for (const socket of sockets) socket.resetAndDestroy()
    }),
    limiter:
      kind === 'bucket' ? createBucketLimiter(limits) : createMinuteLimiter(limits, options.requestSliceSeconds ?? 10),
    cache: createPromptCache(now),
    journal: createJournal(options.keepJournal ?? 10_000, now),
  }
  const { plan, journal } = endpoint
  const { totals } = journal
  // Loaded before the first request: its half second would look like the model's latency.
  await loadEncoding('o200k_base')

  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (plan.takeRefusal()) return void request.socket.resetAndDestroy()
    const startedAt = performance.now()
    const raw = await readBody(request)
    const path = (request.url ?? '/').split('?')[0] ?? '/'
    const isChat = request.method === 'POST' && chatPath.test(path)
    const body = isChat ? parseJson(raw) : undefined
    const parameters = parametersOf(body)
    const entry = journal.add(
      {
        id: dialect === 'azure' ? randomUUID() : `req_${randomUUID().replaceAll('-', '')}`,
        at: now(),
        method: request.method ?? 'GET',
        path,
        model: typeof parameters.model === 'string' ? parameters.model : '',
        messages: messagesOf(body),
        parameters,
        status: undefined,
        answer: undefined,
        admittedTokens: 0,
        usage: undefined,
        fault: undefined,
        disconnected: false,
      },
      keyOf(request),
    )
    if (isChat) follow(entry, response)
    const reply = isChat ? await replyToChat(entry, raw, body) : otherReply(entry)
    entry.answer = reply.answer
    if (reply.usage) journal.charge(entry, reply.usage)
    if (isChat) await plan.released(entry)
    const delayMs = plan.delayMs() + latencyOf(reply)
    if (delayMs > 0) await sleep(delayMs, undefined, { signal: closing.signal })
    if (response.destroyed) return
    if (reply.status !== 0) entry.status = reply.status
    // The limiter's state as it is when the answer leaves, which is when a client compares it with what it used.
    reply.headers = { ...idHeaders(entry, performance.now() - startedAt), ...limitsFor(entry, reply), ...reply.headers }
    await sendReply(response, reply, closing.signal)
  }

  /** Announces a request, and how it ended. */
  function follow(entry: ModelRequest, response: ServerResponse): void {
    totals.requests += 1
    totals.inFlight += 1
    totals.peakInFlight = Math.max(totals.peakInFlight, totals.inFlight)
    response.once('finish', () => {
      if (entry.status === 200) {
        totals.answered += 1
        events.emit('answered', entry, entry.usage)
      } else {
        totals.refused += 1
        events.emit('refused', entry)
      }
    })
    response.once('close', () => {
      totals.inFlight -= 1
      if (response.writableFinished) return
      entry.disconnected = true
      totals.disconnected += 1
    })
    events.emit('request', entry)
  }

  async function replyToChat(entry: ModelRequest, raw: string | undefined, body: unknown): Promise<Reply> {
    if (raw === undefined) return failureReply(modelFailure(413, { message: 'The request body is too large.' }))
    if (body === undefined && endpoint.access.allows(entry.keyUsed)) {
      return failureReply(badRequest('We could not parse the JSON body of your request.', null))
    }
    return await answerChat(endpoint, entry, body)
  }

  function otherReply(entry: ModelRequest): Reply {
    const wanted = modelsPath.exec(entry.path)
    if (entry.method !== 'GET' || !wanted) return failureReply(unknownUrl(dialect, entry.method, entry.path))
    if (!endpoint.access.allows(entry.keyUsed)) return failureReply(unauthorized(dialect, entry.keyUsed))
    const { unknownModel } = plan.controls
    const describe = (id: string) => ({ id, object: 'model', created: 1_744_000_000, owned_by: 'demo' })
    const [, name] = wanted
    if (name === undefined) {
      const data = listedModels.filter((model) => !unknownModel.has(model)).map(describe)
      return jsonReply(200, { object: 'list', data })
    }
    return unknownModel.has(name) ? failureReply(modelNotFound(dialect, name)) : jsonReply(200, describe(name))
  }

  function latencyOf(reply: Reply): number {
    const { latencyMs = 0 } = options
    if (reply.seed === undefined) return 0
    return typeof latencyMs === 'number' ? latencyMs : latencyMs(reply.seed)
  }

  function idHeaders(entry: ModelRequest, elapsedMs: number): Record<string, string> {
    if (dialect === 'azure') return { 'apim-request-id': entry.id, 'x-ms-region': 'Local' }
    return {
      'x-request-id': entry.id,
      'openai-processing-ms': String(Math.ceil(elapsedMs)),
      'openai-version': '2020-10-01',
    }
  }

  function limitsFor(entry: ModelRequest, reply: Reply): Record<string, string> {
    const silent = entry.fault?.kind === 'rateLimited' && entry.fault.noHeaders
    if (silent || (dialect === 'azure' && reply.status !== 200 && reply.status !== 429)) return {}
    return limitHeaders(dialect, endpoint.limiter.state(), reply.status === 429)
  }

  const server = createServer((request, response) => {
    serve(request, response).catch((error: unknown) => {
      request.socket.destroy()
      // A client that went away while its request was read, or the server's own end, is nobody's mistake.
      if (!closing.signal.aborted && (error as { code?: string }).code !== 'ECONNRESET') console.error('model:', error)
    })
  })
  // Longer than clients keep a connection: a server that closes first makes their next request fail.
  server.keepAliveTimeout = 120_000
  server.on('clientError', (_error, socket) => socket.destroy())
  server.on('connection', (socket) => {
    if (plan.isOut()) return void socket.resetAndDestroy()
    sockets.add(socket)
    socket.setNoDelay(true)
    socket.once('close', () => sockets.delete(socket))
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(options.port ?? 0, '127.0.0.1', resolve)
  })
  const { port } = server.address() as AddressInfo
  const url = `http://127.0.0.1:${port}`
  return {
    port,
    url,
    openaiBaseUrl: `${url}/v1`,
    azureEndpoint: url,
    events,
    journal: journal.entries,
    totals,
    faults: plan.controls,
    setApiKeys: (keys) => endpoint.access.setKeys(keys),
    async close() {
      closing.abort()
      const closed = new Promise<void>((resolve) => server.close(() => resolve()))
      for (const socket of sockets) socket.destroy()
      plan.controls.clear()
      await closed
    },
  }
}

function parseJson(raw: string | undefined): unknown {
  try {
    return raw === undefined ? undefined : JSON.parse(raw)
  } catch {
    return undefined
  }
}
