import {
  badRequest,
  contextTooLong,
  type Dialect,
  gatewayFailure,
  modelFailure,
  modelNotFound,
  rateLimited,
  requestTooLarge,
  unauthorized,
  unsupportedParameter,
} from './api-failure.ts'
import { filteredPrompt } from './content-filter.ts'
import type { Fault } from './fault.ts'
import { goDuration } from './limit-headers.ts'
import { failureReply, htmlReply, jsonReply, type Reply, resetReply } from './reply.ts'

type Limited = Extract<Fault, { kind: 'rateLimited' }>

/** What the request looked like when the fault struck. */
interface Struck {
  dialect: Dialect
  model: string
  key: string | undefined
  contextWindow: number
}

/**
 * The reply of a fault that takes the place of the answer. `undefined` for faults that spoil a completion (see
 * complete-chat.ts) or break its way to the client (see reply.ts), which go on to the model first.
 */
export function faultReply(fault: Fault, struck: Struck): Reply | undefined {
  const { dialect, model } = struck
  const azure = dialect === 'azure'
  switch (fault.kind) {
    case 'refuseConnection':
    case 'reset':
      return resetReply
    case 'rateLimited':
      return limitedReply(fault, dialect, model)
    case 'slowDown': {
      const message =
        'Slow down: your request rate has grown too fast. Reduce it to its earlier level, keep it there for at least 15 minutes, then raise it slowly.'
      const type = fault.status === 503 ? 'server_error' : 'requests'
      return failureReply(
        modelFailure(fault.status ?? 429, { message, type, code: 'slow_down' }, retryIn(fault.retryAfterSeconds)),
      )
    }
    case 'requestTooLarge':
      return failureReply(requestTooLarge(dialect, model, fault.limit ?? 30_000, fault.requested ?? 36_055))
    case 'insufficientQuota': {
      const { code = 'insufficient_quota' } = fault
      const message = 'You exceeded your current quota, please check your plan and billing details.'
      return failureReply(modelFailure(429, { message, type: 'insufficient_quota', code }))
    }
    case 'flexUnavailable': {
      const message = 'Resource unavailable: there is no capacity for service_tier flex now. You are not charged.'
      return failureReply(modelFailure(429, { message, type: 'requests', code: 'resource_unavailable' }))
    }
    case 'serverError': {
      if (fault.html)
        return htmlReply(fault.status, `${fault.status} ${fault.status === 502 ? 'Bad Gateway' : 'Server Error'}`)
      const message = 'The server had an error while processing your request. Sorry about that!'
      if (azure) return failureReply(gatewayFailure(fault.status, 'InternalServerError', message))
      return failureReply(modelFailure(fault.status, { message, type: 'server_error' }))
    }
    case 'overloaded':
      return overloadedReply(fault.status ?? 503, azure, retryIn(fault.retryAfterSeconds))
    case 'htmlPage':
      return htmlReply(200, 'Sign in')
    case 'errorInside200':
      return jsonReply(200, {
        error: { message: 'The upstream provider failed.', type: 'server_error', param: null, code: 502 },
      })
    case 'contentFilteredPrompt':
      return failureReply(filteredPrompt(fault.category ?? 'jailbreak'))
    case 'unsupportedParameter':
      return failureReply(unsupportedParameter(fault.param, fault.instead))
    case 'unsupportedValue': {
      const message = `Unsupported value: '${fault.param}' does not support ${fault.value} with this model.`
      return failureReply(badRequest(message, fault.param, 'unsupported_value'))
    }
    case 'contextTooLong':
      return failureReply(contextTooLong(struck.contextWindow, struck.contextWindow + 1_000, undefined))
    case 'invalidApiVersion':
      return failureReply(gatewayFailure(400, 'InvalidApiVersionParameter', 'The requested API version is invalid.'))
    case 'payloadTooLarge':
      return htmlReply(413, '413 Request Entity Too Large')
    case 'unauthorized':
      if (fault.gateway)
        return jsonReply(401, { statusCode: 401, message: 'Unauthorized. Access token is missing or invalid.' })
      return failureReply(unauthorized(dialect, struck.key))
    case 'forbidden':
      return forbiddenReply(fault.reason ?? (azure ? 'role' : 'country'))
    case 'modelNotFound':
      return failureReply(modelNotFound('openai', model))
    case 'deploymentNotFound':
      return failureReply(modelNotFound('azure', model))
    case 'redirect':
      return { status: 307, headers: { location: fault.location }, body: '' }
    default:
      return undefined
  }
}

function limitedReply(fault: Limited, dialect: Dialect, model: string): Reply {
  const { retryAfterSeconds: seconds, retryAfterMs: ms } = fault
  const none = seconds === undefined && ms === undefined
  const waitMs = (fault.messageSeconds ?? 0) * 1000 || (ms ?? (seconds ?? 1) * 1000)
  const failure = rateLimited(dialect, model, { by: fault.by ?? 'tokens', waitMs })
  // Exactly the headers that were asked for: clients must cope with either one alone, and with neither.
  delete failure.headers['retry-after']
  delete failure.headers['retry-after-ms']
  if (fault.noMessage) (failure.body.error as { message: string }).message = 'Rate limit reached.'
  if (fault.noHeaders) {
    const json = { 'content-type': 'application/json' }
    return { ...failureReply(failure), headers: { ...json, ...resetAlone(fault, dialect) } }
  }
  if (ms !== undefined) failure.headers['retry-after-ms'] = String(ms)
  if (seconds !== undefined || none) failure.headers['retry-after'] = String(seconds ?? 1)
  return failureReply(failure)
}

function resetAlone({ by = 'tokens', resetSeconds }: Limited, dialect: Dialect): Record<string, string> {
  if (resetSeconds === undefined) return {}
  const reset = dialect === 'azure' ? String(resetSeconds) : goDuration(resetSeconds * 1000)
  return { [`x-ratelimit-remaining-${by}`]: '0', [`x-ratelimit-reset-${by}`]: reset }
}

function overloadedReply(status: number, azure: boolean, headers: Record<string, string>): Reply {
  if (azure) {
    const message =
      'The system is currently experiencing high demand and cannot process your request. Please retry later.'
    return failureReply(gatewayFailure(status, String(status), message, headers))
  }
  const message = 'The server is currently overloaded with other requests. Please retry your request later.'
  return failureReply(modelFailure(status, { message, type: 'server_error', code: 'server_is_overloaded' }, headers))
}

function forbiddenReply(reason: 'role' | 'network' | 'country' | 'gatewayQuota'): Reply {
  switch (reason) {
    case 'role': {
      const message =
        'The principal lacks the required data action `Microsoft.CognitiveServices/accounts/OpenAI/deployments/chat/completions/action`.'
      return failureReply(gatewayFailure(403, 'PermissionDenied', message))
    }
    case 'network':
      return failureReply(gatewayFailure(403, '403', 'Access denied due to Virtual Network/Firewall rules.'))
    case 'gatewayQuota':
      return jsonReply(403, {
        statusCode: 403,
        message: 'Out of call volume quota. Quota will be replenished in 01:00:00.',
      })
    case 'country': {
      const message = 'Country, region, or territory not supported'
      return failureReply(
        modelFailure(403, { message, type: 'request_forbidden', code: 'unsupported_country_region_territory' }),
      )
    }
  }
}

function retryIn(seconds: number | undefined): Record<string, string> {
  return seconds === undefined ? {} : { 'retry-after': String(seconds) }
}
