import { goDuration, retryHeaders } from './limit-headers.ts'
import type { Admission } from './rate-limiter.ts'

export type Dialect = 'openai' | 'azure'

/** An answer that is an error. */
export interface ApiFailure {
  status: number
  headers: Record<string, string>
  body: Record<string, unknown>
}

export interface ErrorFields {
  message: string
  type?: string | null
  param?: string | null
  code?: string | null
  innererror?: unknown
  status?: number
}

/** An error in OpenAI's shape, which Azure's models share: its gateway alone has another (see gatewayFailure). */
export function modelFailure(status: number, fields: ErrorFields, headers: Record<string, string> = {}): ApiFailure {
  const { message, type = 'invalid_request_error', param = null, code = null, ...more } = fields
  return { status, headers, body: { error: { message, type, param, code, ...more } } }
}

/** An error as Azure's gateway answers before any model was asked. */
export function gatewayFailure(
  status: number,
  code: string,
  message: string,
  headers: Record<string, string> = {},
): ApiFailure {
  return { status, headers, body: { error: { code, message } } }
}

export const badRequest = (message: string, param: string | null, code: string | null = null): ApiFailure =>
  modelFailure(400, { message, param, code })

/** 401. Names the refused key as OpenAI does, all but its ends starred out. */
export function unauthorized(dialect: Dialect, key: string | undefined): ApiFailure {
  if (dialect === 'azure') {
    const message =
      'Access denied due to invalid subscription key or wrong API endpoint. Make sure to provide a valid key for an ' +
      'active subscription and use a correct regional API endpoint for your resource.'
    return gatewayFailure(401, '401', message)
  }
  if (!key) {
    const message =
      "You didn't provide an API key. You need to provide your API key in an Authorization header using Bearer auth " +
      '(i.e. Authorization: Bearer YOUR_KEY).'
    return modelFailure(401, { message })
  }
  const shown = key.length < 12 ? '*'.repeat(key.length) : `${key.slice(0, 3)}${'*'.repeat(8)}${key.slice(-2)}`
  const message = `Incorrect API key provided: ${shown}. You can find your API key at https://platform.openai.com/account/api-keys.`
  return modelFailure(401, { message, code: 'invalid_api_key' })
}

export function unknownUrl(dialect: Dialect, method: string, path: string): ApiFailure {
  if (dialect === 'azure') return gatewayFailure(404, '404', 'Resource not found')
  return modelFailure(404, { message: `Invalid URL (${method} ${path})` })
}

export function modelNotFound(dialect: Dialect, model: string): ApiFailure {
  if (dialect === 'azure') {
    const message =
      'The API deployment for this resource does not exist. If you created the deployment within the last 5 minutes, ' +
      'please wait a moment and try again.'
    return gatewayFailure(404, 'DeploymentNotFound', message)
  }
  const message = `The model \`${model}\` does not exist or you do not have access to it.`
  return modelFailure(404, { message, code: 'model_not_found' })
}

export function unsupportedParameter(param: string, instead: string | undefined): ApiFailure {
  const hint = instead ? ` Use '${instead}' instead.` : ''
  return badRequest(
    `Unsupported parameter: '${param}' is not supported with this model.${hint}`,
    param,
    'unsupported_parameter',
  )
}

/** `cap`: the completion's; `undefined` when the prompt alone is too long. */
export function contextTooLong(window: number, prompt: number, cap: number | undefined): ApiFailure {
  const start = `This model's maximum context length is ${window} tokens. However, `
  const message =
    cap === undefined
      ? `${start}your messages resulted in ${prompt} tokens. Please reduce the length of the messages.`
      : `${start}you requested ${prompt + cap} tokens (${prompt} in the messages, ${cap} in the completion). ` +
        'Please reduce the length of the messages or completion.'
  return badRequest(message, 'messages', 'context_length_exceeded')
}

export interface RateRefusal {
  by: 'tokens' | 'requests'
  waitMs: number
  /** What the message tells of the limit; left out when it is not known (a fault). */
  figures?: { limit: number; used: number; requested: number }
}

/** 429 for a limit that passes with time. */
export function rateLimited(dialect: Dialect, model: string, refusal: RateRefusal): ApiFailure {
  const seconds = Math.ceil(refusal.waitMs / 1000)
  if (dialect === 'azure') {
    const what = refusal.by === 'tokens' ? 'token' : 'call'
    const message =
      `Requests to the ChatCompletions_Create Operation have exceeded ${what} rate limit of your current OpenAI S0 ` +
      `pricing tier. Please retry after ${seconds} seconds. To increase your default rate limit, visit: https://aka.ms/oai/quotaincrease.`
    const policy = { 'policy-id': refusal.by === 'tokens' ? 'DeploymentRatelimit-Token' : 'DeploymentRatelimit-Call' }
    return gatewayFailure(429, '429', message, { ...retryHeaders(refusal.waitMs), ...policy })
  }
  const unit = refusal.by === 'tokens' ? 'tokens per min (TPM)' : 'requests per min (RPM)'
  const { figures } = refusal
  const numbers = figures ? `: Limit ${figures.limit}, Used ${figures.used}, Requested ${figures.requested}` : ''
  const message =
    `Rate limit reached for ${model} in organization org-demo on ${unit}${numbers}. ` +
    `Please try again in ${goDuration(refusal.waitMs)}. Visit https://platform.openai.com/account/rate-limits to learn more.`
  return modelFailure(429, { message, type: refusal.by, code: 'rate_limit_exceeded' }, retryHeaders(refusal.waitMs))
}

/** 429 that no waiting helps: the request asks for more than a minute's limit. No retry headers, therefore. */
export function requestTooLarge(dialect: Dialect, model: string, limit: number, requested: number): ApiFailure {
  const message =
    `Request too large for ${model} in organization org-demo on tokens per min (TPM): Limit ${limit}, Requested ${requested}. ` +
    'The input or output tokens must be reduced in order to run successfully. ' +
    'Visit https://platform.openai.com/account/rate-limits to learn more.'
  if (dialect === 'azure') return gatewayFailure(429, '429', message)
  return modelFailure(429, { message, type: 'tokens', code: 'rate_limit_exceeded' })
}

/** The limiter's refusal as the dialect says it; `charge` is what the request asked for. */
export function refusalOf(
  dialect: Dialect,
  model: string,
  admission: Admission & { admitted: false },
  charge: number,
): ApiFailure {
  if (admission.by === 'size') return requestTooLarge(dialect, model, admission.limit, charge)
  const requested = admission.by === 'tokens' ? charge : 1
  const figures = { limit: admission.limit, used: admission.used, requested }
  return rateLimited(dialect, model, { by: admission.by, waitMs: admission.waitMs, figures })
}
