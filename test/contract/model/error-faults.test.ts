import assert from 'node:assert/strict'
import { test } from 'node:test'
import OpenAI from 'openai'
import type { Dialect } from '../../../deploy/local/model/api-failure.ts'
import type { Fault } from '../../../deploy/local/model/fault.ts'
import { failureOf, startForTest } from './model-under-test.ts'

interface Shown {
  fault: Fault
  dialect?: Dialect
  status: number
  code?: string | null
  type?: string | null
  param?: string
  message?: RegExp
  /** Expected headers; `null`: must be absent. */
  headers?: Record<string, string | null>
}

const {
  RateLimitError,
  InternalServerError,
  AuthenticationError,
  PermissionDeniedError,
  NotFoundError,
  BadRequestError,
} = OpenAI
const none = { 'retry-after': null, 'retry-after-ms': null }

const cases: Shown[] = [
  {
    fault: { kind: 'rateLimited', retryAfterSeconds: 3 },
    status: 429,
    code: 'rate_limit_exceeded',
    type: 'tokens',
    headers: { 'retry-after': '3', 'retry-after-ms': null },
  },
  {
    fault: { kind: 'rateLimited', retryAfterMs: 250, by: 'requests' },
    status: 429,
    type: 'requests',
    headers: { 'retry-after': null, 'retry-after-ms': '250' },
  },
  {
    fault: { kind: 'rateLimited', retryAfterSeconds: 86_400 },
    dialect: 'azure',
    status: 429,
    code: '429',
    headers: { 'retry-after': '86400' },
  },
  {
    fault: { kind: 'rateLimited', noHeaders: true, messageSeconds: 17 },
    dialect: 'azure',
    status: 429,
    code: '429',
    message: /Please retry after 17 seconds/,
    headers: { ...none, 'x-ratelimit-remaining-tokens': null, 'x-ratelimit-reset-tokens': null },
  },
  {
    fault: { kind: 'rateLimited', noHeaders: true, messageSeconds: 17 },
    status: 429,
    message: /Please try again in 17s/,
    headers: none,
  },
  {
    fault: { kind: 'rateLimited', noHeaders: true, noMessage: true, resetSeconds: 360 },
    status: 429,
    message: /^429 Rate limit reached\.$/,
    headers: { ...none, 'x-ratelimit-remaining-tokens': '0', 'x-ratelimit-reset-tokens': '6m0s' },
  },
  {
    fault: { kind: 'rateLimited', by: 'requests', noHeaders: true, noMessage: true, resetSeconds: 55 },
    dialect: 'azure',
    status: 429,
    headers: { ...none, 'x-ratelimit-remaining-requests': '0', 'x-ratelimit-reset-requests': '55' },
  },
  { fault: { kind: 'slowDown' }, status: 429, code: 'slow_down' },
  {
    fault: { kind: 'slowDown', status: 503, retryAfterSeconds: 9 },
    status: 503,
    code: 'slow_down',
    headers: { 'retry-after': '9' },
  },
  {
    fault: { kind: 'requestTooLarge' },
    status: 429,
    type: 'tokens',
    message: /Request too large .*Limit 30000, Requested 36055/,
    headers: none,
  },
  {
    fault: { kind: 'insufficientQuota' },
    status: 429,
    code: 'insufficient_quota',
    type: 'insufficient_quota',
    headers: none,
  },
  {
    fault: { kind: 'insufficientQuota', code: 'credit_balance_exhausted' },
    status: 429,
    code: 'credit_balance_exhausted',
  },
  { fault: { kind: 'flexUnavailable' }, status: 429, code: 'resource_unavailable' },
  { fault: { kind: 'serverError', status: 500 }, status: 500, type: 'server_error' },
  {
    fault: { kind: 'serverError', status: 502, html: true },
    status: 502,
    headers: { 'content-type': 'text/html; charset=utf-8' },
  },
  { fault: { kind: 'serverError', status: 504 }, status: 504 },
  { fault: { kind: 'serverError', status: 529 }, status: 529 },
  {
    fault: { kind: 'overloaded', retryAfterSeconds: 4 },
    status: 503,
    code: 'server_is_overloaded',
    headers: { 'retry-after': '4' },
  },
  { fault: { kind: 'overloaded', status: 429 }, dialect: 'azure', status: 429, message: /high demand/ },
  {
    fault: { kind: 'unsupportedParameter', param: 'max_tokens', instead: 'max_completion_tokens' },
    status: 400,
    code: 'unsupported_parameter',
    param: 'max_tokens',
    message: /Use 'max_completion_tokens' instead/,
  },
  {
    fault: { kind: 'unsupportedValue', param: 'reasoning_effort', value: 'none' },
    status: 400,
    code: 'unsupported_value',
    param: 'reasoning_effort',
  },
  { fault: { kind: 'contextTooLong' }, status: 400, code: 'context_length_exceeded', param: 'messages' },
  { fault: { kind: 'invalidApiVersion' }, dialect: 'azure', status: 400, code: 'InvalidApiVersionParameter' },
  { fault: { kind: 'payloadTooLarge' }, status: 413 },
  { fault: { kind: 'unauthorized' }, status: 401, code: 'invalid_api_key' },
  { fault: { kind: 'unauthorized' }, dialect: 'azure', status: 401, code: '401' },
  { fault: { kind: 'unauthorized', gateway: true }, dialect: 'azure', status: 401, code: undefined },
  { fault: { kind: 'forbidden' }, dialect: 'azure', status: 403, code: 'PermissionDenied' },
  { fault: { kind: 'forbidden', reason: 'network' }, dialect: 'azure', status: 403, message: /Virtual Network/ },
  { fault: { kind: 'forbidden', reason: 'gatewayQuota' }, dialect: 'azure', status: 403 },
  { fault: { kind: 'forbidden' }, status: 403, code: 'unsupported_country_region_territory' },
  { fault: { kind: 'modelNotFound' }, status: 404, code: 'model_not_found' },
  { fault: { kind: 'deploymentNotFound' }, dialect: 'azure', status: 404, code: 'DeploymentNotFound' },
]

const classes: Record<number, unknown> = {
  400: BadRequestError,
  401: AuthenticationError,
  403: PermissionDeniedError,
  404: NotFoundError,
  429: RateLimitError,
  500: InternalServerError,
  502: InternalServerError,
  503: InternalServerError,
  504: InternalServerError,
  529: InternalServerError,
}

for (const shown of cases) {
  const { fault, dialect = 'openai', status } = shown
  test(`${dialect}: ${JSON.stringify(fault)} shows as ${status} ${shown.code ?? ''}`, async (t) => {
    const { ask, model } = await startForTest(t, { dialect })
    model.faults.next(fault)
    const error = await failureOf(ask())
    assert.equal(error.status, status)
    const expected = classes[status]
    if (expected) assert.equal(error.constructor, expected)
    for (const field of ['code', 'type', 'param'] as const) {
      if (field in shown) assert.equal(error[field], shown[field], field)
    }
    if (shown.message) assert.match(error.message, shown.message)
    for (const [name, value] of Object.entries(shown.headers ?? {})) assert.equal(error.headers?.get(name), value, name)
    const [entry] = model.journal
    assert.equal(entry?.status, status)
    assert.deepEqual(entry?.fault, fault)
    assert.equal(entry?.usage, undefined, 'nothing is billed')
    assert.equal(entry?.admittedTokens, 0)
    assert.equal(model.totals.refused, 1)
    await ask()
  })
}

test('a filtered prompt is a 400 that says which category, and its prompt is billed', async (t) => {
  const { ask, model } = await startForTest(t, { dialect: 'azure' })
  model.faults.next({ kind: 'contentFilteredPrompt' })
  model.faults.next({ kind: 'contentFilteredPrompt', category: 'violence' })
  const jailbreak = await failureOf(ask())
  assert.ok(jailbreak instanceof BadRequestError)
  assert.equal(jailbreak.code, 'content_filter')
  assert.equal(jailbreak.param, 'prompt')
  const { innererror } = jailbreak.error as {
    innererror: { code: string; content_filter_result: Record<string, unknown> }
  }
  assert.equal(innererror.code, 'ResponsibleAIPolicyViolation')
  assert.deepEqual(innererror.content_filter_result.jailbreak, { filtered: true, detected: true })
  assert.deepEqual(innererror.content_filter_result.violence, { filtered: false, severity: 'safe' })
  const violence = await failureOf(ask())
  assert.match(JSON.stringify(violence.error), /"violence":\{"filtered":true,"severity":"medium"\}/)
  const [entry] = model.journal
  assert.ok((entry?.usage?.prompt_tokens ?? 0) > 0)
  assert.equal(entry?.usage?.completion_tokens, 0)
})

test('a redirect is followed by the client, unless it is told not to', async (t) => {
  const { ask, client, model } = await startForTest(t)
  const redirect = { kind: 'redirect', location: `${model.url}/openai/v1/chat/completions` } as const
  model.faults.next(redirect, 2)
  await ask()
  assert.deepEqual(
    model.journal.map((entry) => entry.status),
    [307, 307, 200],
  )
  model.faults.next(redirect)
  const strict = client.withOptions({ fetchOptions: { redirect: 'error' } })
  const refused = await failureOf(
    strict.chat.completions.create({ model: 'm', messages: [{ role: 'user', content: 'x' }] }),
  )
  assert.ok(refused instanceof OpenAI.APIConnectionError)
})
