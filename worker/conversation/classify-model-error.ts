import { APIConnectionError, APIConnectionTimeoutError, APIError, APIUserAbortError } from 'openai'
import { asFailure, Failure, type FailureDetails } from '../../shared/failure.ts'
import { limitResetMs, messageWaitMs, retryAfterMs } from '../recovery/retry-after.ts'
import { ContentRefusal } from './content-refusal.ts'
import type { Adaptation } from './model-client.ts'
import { signsOfRefusal } from './prompt-shields.ts'
import { PromptTooLong } from './prompt-too-long.ts'

/**
 * The one place that knows what a chat completions API can answer besides an answer. Sources: OpenAI's and Azure OpenAI's
 * error codes; the numbers in the comments count the failure cases as test/contract/model/failure-cases-*.test.ts do.
 */
export function classifyModelError(error: unknown, signal: AbortSignal): Failure {
  if (error instanceof Failure) return error
  if (error instanceof APIUserAbortError || signal.aborted) return asFailure(signal.reason ?? error)
  if (error instanceof APIConnectionTimeoutError) {
    return outage('Timeout', 'The model did not answer in time; it may have charged for the call.', {
      retryNow: true,
      maybeCharged: true,
      cause: error,
    })
  }
  if (error instanceof APIConnectionError) return noConnection(error)
  if (error instanceof APIError && error.status !== undefined) return classifyStatus(error)
  if (error instanceof SyntaxError) return malformedAnswer(undefined)
  const identity = /CredentialUnavailable|AuthenticationError|AuthenticationRequired/.test((error as Error)?.name ?? '')
  if (identity || (error as { code?: unknown })?.code === 'ENOENT') {
    return outage(
      identity ? 'NoToken' : 'NoKeyFile',
      identity
        ? 'The identity gets no token for Azure OpenAI: give it the role Cognitive Services OpenAI User on the resource.'
        : 'The file of OPENAI_API_KEY_FILE cannot be read: mount the secret again.',
      { opensCircuit: true, dependency: identity ? 'identity' : 'model', cause: error },
    )
  }
  // "terminated": the connection broke inside the body (14).
  return outage(
    'ConnectionLost',
    'The connection to the model broke inside an answer; it may have charged for the call.',
    {
      retryNow: true,
      maybeCharged: true,
      cause: error,
    },
  )
}

/** 15, 16: a 200 that is no completion. Once may be a proxy's hiccup; again and again it is the wrong address. */
export function malformedAnswer(data: unknown): Failure {
  if (typeof data === 'object' && data !== null && 'error' in data) {
    return outage('ErrorInAnswer', "The model's endpoint failed behind a status of 200; the worker tries again.", {
      retryNow: true,
    })
  }
  const html = typeof data === 'string' && /^\s*</.test(data)
  return outage(
    html ? 'HtmlAnswer' : 'MalformedAnswer',
    'The model answered with something that is no chat completion: check OPENAI_BASE_URL (it usually ends in /v1).',
    // A page comes from somebody else than the model.
    { retryNow: true, maybeCharged: !html },
  )
}

function classifyStatus(error: APIError): Failure {
  const status = error.status ?? 0
  const code = safeCode(error.code) ?? `HTTP_${status}`
  const header = (name: string) => error.headers?.get(name) ?? null
  const wait = retryAfterMs(header)
  // 401 invalid key, 403 role, network or gateway quota, 404 deployment or model: never the message's fault (25).
  if (status === 401) {
    return outage(
      code,
      'The model refuses the key or token: correct OPENAI_API_KEY, or write the new key into the file.',
      {
        opensCircuit: true,
      },
    )
  }
  if (status === 403) {
    return outage(
      code,
      "The model's endpoint refuses this client: check the role, the network rules and the gateway's quota.",
      {
        opensCircuit: true,
        retryAfterMs: wait,
      },
    )
  }
  if (status === 404) {
    return outage(
      code,
      'The endpoint does not know the model or deployment: correct OPENAI_MODEL or OPENAI_BASE_URL.',
      {
        opensCircuit: true,
      },
    )
  }
  // 4: OpenAI said it with a 503 once.
  if (status === 429 || code === 'slow_down') return classifyRefusal(code, error, wait)
  if (code === 'content_filter') {
    return new ContentRefusal(
      code,
      "The provider's content filter refused the incident's text, also with reduced evidence: review it by hand, or change the filter's settings.",
      signsOfRefusal(error.error),
    )
  }
  // 24, and 29: a gateway that takes no body of this size.
  if (status === 413 || (status === 400 && /context_length_exceeded|string_above_max_length/.test(code))) {
    return new PromptTooLong(
      code,
      "The conversation does not fit the model's context, also with less evidence: lower the playbook's limits or use a model with a larger context.",
      error.message,
    )
  }
  if (status === 408 || status >= 500) {
    return outage(code, `The model's endpoint failed (${status}); the worker tries again.`, {
      retryNow: true,
      retryAfterMs: wait,
    })
  }
  if (status === 400 && /^unsupported_|^invalid_?api_?version|^OperationNotSupported$/i.test(code)) {
    return outage(code, 'The model refuses a parameter of the playbook: correct the turn, or choose another model.', {
      opensCircuit: true,
    })
  }
  return new Failure(`The model does not accept the request (${status}, ${code}): check the playbook's parameters.`, {
    kind: 'unexpected',
    dependency: 'model',
    code,
  })
}

/** 429 means many things: a limit that passes (1-4, 8), a request that never fits (5), or no credit (6). */
function classifyRefusal(code: string, { message, headers }: APIError, wait: number | undefined): Failure {
  const header = (name: string) => headers?.get(name)
  if (/insufficient_quota|credit_balance|billing|spend_limit/i.test(code)) {
    return outage(code, "The provider's credit or quota is exhausted: top it up; the worker goes on by itself.", {
      opensCircuit: true,
    })
  }
  if (/request too large/i.test(message)) {
    return new PromptTooLong(
      code,
      "One request is larger than the deployment's tokens per minute, also with less evidence: lower the playbook's limits or raise the quota.",
      message,
    )
  }
  return new Failure("The model's rate limit is reached; the worker waits as long as the provider asks.", {
    kind: 'throttled',
    dependency: 'model',
    code,
    retryNow: code !== 'slow_down',
    retryAfterMs: wait ?? messageWaitMs(message) ?? limitResetMs(header) ?? 10_000,
  })
}

function noConnection(error: APIConnectionError): Failure {
  const code = connectionCode(error)
  // A name that does not resolve or a certificate that is not trusted does not heal in seconds.
  const configuration = /ENOTFOUND|CERT|SELF_SIGNED|UNABLE_TO_|ERR_TLS/.test(code)
  return outage(
    code,
    configuration
      ? `The model's endpoint cannot be reached (${code}): check OPENAI_BASE_URL or AZURE_OPENAI_ENDPOINT and the certificates.`
      : `The model could not be reached (${code}); the worker tries again.`,
    { retryNow: !configuration, opensCircuit: configuration, cause: error },
  )
}

function connectionCode(error: unknown): string {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    const code = safeCode((cause as { code?: unknown }).code)
    if (code) return code
    if (/redirect/i.test(cause.message)) return 'Redirect'
  }
  return 'NoConnection'
}

/**
 * Which parameter the error is about, if leaving it out may help (23): older deployments know only max_tokens, reasoning
 * models refuse it; some models take one temperature only.
 */
export function adaptationFor(error: unknown, done: ReadonlySet<Adaptation>): Adaptation | undefined {
  if (!(error instanceof APIError) || (error.status !== 400 && error.status !== 422)) return undefined
  const text = `${error.param ?? ''} ${error.message ?? ''}`
  const refusal =
    /^unsupported_/.test(error.code ?? '') || /unsupported|unrecognized|unknown|not supported|extra/i.test(text)
  if (!refusal) return undefined
  const param = error.param ?? ''
  const about = (name: string) => param === name || (param === '' && text.includes(name))
  const found: Adaptation | undefined = about('max_completion_tokens')
    ? 'max_tokens'
    : about('temperature')
      ? 'no-temperature'
      : about('reasoning_effort')
        ? 'no-reasoning-effort'
        : undefined
  return found !== undefined && !done.has(found) ? found : undefined
}

function outage(code: string, message: string, more: Partial<FailureDetails>): Failure {
  return new Failure(message, { kind: 'outage', dependency: 'model', code, ...more })
}

/** A provider's code may be a number in a string, or missing; anything else is not repeated into logs. */
function safeCode(code: unknown): string | undefined {
  return typeof code === 'string' && /^[\w.-]{1,64}$/.test(code) ? code : undefined
}
