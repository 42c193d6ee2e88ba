import { type ApiFailure, badRequest, unsupportedParameter } from './api-failure.ts'
import { type ChatMessage, type ChatRequest, type ResponseFormat, textOf } from './chat-request.ts'
import { modelFamily } from './model-family.ts'
import { strictSchemaProblem } from './strict-schema.ts'

/** Which name of the completion's cap the endpoint knows: new ones refuse `max_tokens`, old ones know nothing else. */
export type MaxTokensParameter = 'either' | 'max_completion_tokens' | 'max_tokens'

export type Reading = { request: ChatRequest } | { failure: ApiFailure }

const roles = ['system', 'developer', 'user', 'assistant', 'tool', 'function']
const efforts = ['none', 'minimal', 'low', 'medium', 'high', 'xhigh', 'max']

/** Thrown inside this file only: the first thing that is wrong with a body. */
class Refused extends Error {
  readonly failure: ApiFailure
  constructor(failure: ApiFailure) {
    super('refused')
    this.failure = failure
  }
}

/** Validates a body as the API does: the first problem is its 400. Members that it does not know are ignored. */
export function readChatRequest(body: unknown, maxTokensParameter: MaxTokensParameter): Reading {
  try {
    return { request: readBody(body, maxTokensParameter) }
  } catch (error) {
    if (error instanceof Refused) return { failure: error.failure }
    throw error
  }
}

function readBody(body: unknown, maxTokensParameter: MaxTokensParameter): ChatRequest {
  if (!isObject(body)) throw refused('Invalid type for the body: expected an object.', null, 'invalid_type')
  const { model } = body
  if (typeof model !== 'string' || model === '') throw refused('you must provide a model parameter', null)
  if (body.stream === true) {
    throw refused(
      "Unsupported value: 'stream' must be false: this server does not stream answers.",
      'stream',
      'unsupported_value',
    )
  }
  const messages = readMessages(body.messages)
  const reasoningEffort = readEffort(body.reasoning_effort)
  refuseTemperature(model, body.temperature, reasoningEffort)
  const { n = 1 } = body
  if (!isWhole(n) || n < 1 || n > 128)
    throw refused(`Invalid 'n': integer from 1 to 128 expected.`, 'n', 'invalid_value')
  return {
    model,
    messages,
    maxCompletionTokens: readCap(model, body, maxTokensParameter),
    responseFormat: readFormat(body.response_format, messages),
    reasoningEffort,
    choices: n,
    serviceTier: typeof body.service_tier === 'string' && body.service_tier !== 'auto' ? body.service_tier : 'default',
  }
}

function readMessages(value: unknown): ChatMessage[] {
  if (value === undefined)
    throw refused("Missing required parameter: 'messages'.", 'messages', 'missing_required_parameter')
  if (!Array.isArray(value))
    throw refused("Invalid type for 'messages': expected an array of objects.", 'messages', 'invalid_type')
  if (value.length === 0) {
    throw refused(
      "Invalid 'messages': empty array. Expected an array with minimum length 1, but got an empty array instead.",
      'messages',
      'empty_array',
    )
  }
  return value.map((message: unknown, index) => {
    const at = `messages[${index}]`
    if (!isObject(message)) throw refused(`Invalid type for '${at}': expected an object.`, at, 'invalid_type')
    if (typeof message.role !== 'string' || !roles.includes(message.role)) {
      const known = roles.map((role) => `'${role}'`).join(', ')
      throw refused(
        `Invalid value: '${String(message.role)}'. Supported values are: ${known}.`,
        `${at}.role`,
        'invalid_value',
      )
    }
    if (!isContent(message.content, message.role)) {
      throw refused(
        `Invalid type for '${at}.content': expected a string or an array of text parts.`,
        `${at}.content`,
        'invalid_type',
      )
    }
    return message as unknown as ChatMessage
  })
}

function isContent(content: unknown, role: string): boolean {
  if (typeof content === 'string') return true
  // An assistant's turn may be a tool call alone; nobody else's may be empty.
  if (content === null || content === undefined) return role === 'assistant'
  return (
    Array.isArray(content) &&
    content.every((part) => isObject(part) && part.type === 'text' && typeof part.text === 'string')
  )
}

function readCap(model: string, body: Record<string, unknown>, known: MaxTokensParameter): number | undefined {
  const { max_tokens: old, max_completion_tokens: current } = body
  const given = (value: unknown) => value !== undefined && value !== null
  if (given(old) && given(current)) {
    const message = "Setting 'max_tokens' and 'max_completion_tokens' at the same time is not supported."
    throw refused(message, 'max_tokens', 'invalid_parameter_combination')
  }
  const refusesOld = known === 'max_completion_tokens' || (known === 'either' && modelFamily(model).reasoning)
  if (given(old) && refusesOld) throw new Refused(unsupportedParameter('max_tokens', 'max_completion_tokens'))
  if (given(current) && known === 'max_tokens')
    throw new Refused(unsupportedParameter('max_completion_tokens', 'max_tokens'))
  const [param, value] = given(old) ? ['max_tokens', old] : ['max_completion_tokens', current]
  if (!given(value)) return undefined
  if (!isWhole(value)) throw refused(`Invalid type for '${param}': expected an integer.`, param, 'invalid_type')
  if (value < 1) {
    const message = `Invalid '${param}': integer below minimum value. Expected a value >= 1, but got ${value} instead.`
    throw refused(message, param, 'integer_below_min_value')
  }
  return value
}

function readEffort(value: unknown): string | undefined {
  if (value === undefined || value === null) return undefined
  if (typeof value === 'string' && efforts.includes(value)) return value
  const known = efforts.map((effort) => `'${effort}'`).join(', ')
  throw refused(
    `Invalid value: '${String(value)}'. Supported values are: ${known}.`,
    'reasoning_effort',
    'invalid_value',
  )
}

function refuseTemperature(model: string, value: unknown, effort: string | undefined): void {
  if (value === undefined || value === null || value === 1) return
  if (typeof value !== 'number' || value < 0 || value > 2) {
    throw refused("Invalid 'temperature': number from 0 to 2 expected.", 'temperature', 'invalid_value')
  }
  const family = modelFamily(model)
  if (!family.reasoning || (family.temperatureWithoutReasoning && effort === 'none')) return
  const message = `Unsupported value: 'temperature' does not support ${value} with this model. Only the default (1) value is supported.`
  throw refused(message, 'temperature', 'unsupported_value')
}

function readFormat(value: unknown, messages: ChatMessage[]): ResponseFormat {
  if (value === undefined || value === null) return { type: 'text' }
  if (!isObject(value))
    throw refused("Invalid type for 'response_format': expected an object.", 'response_format', 'invalid_type')
  if (value.type === 'text') return { type: 'text' }
  if (value.type === 'json_object') {
    if (messages.some((message) => /json/i.test(textOf(message)))) return { type: 'json_object' }
    throw refused(
      "'messages' must contain the word 'json' in some form, to use 'response_format' of type 'json_object'.",
      'messages',
    )
  }
  if (value.type !== 'json_schema') {
    const message = `Invalid value: '${String(value.type)}'. Supported values are: 'json_object', 'json_schema', and 'text'.`
    throw refused(message, 'response_format.type', 'invalid_value')
  }
  const { json_schema: given } = value
  if (!isObject(given) || typeof given.name !== 'string') {
    const param = 'response_format.json_schema'
    throw refused(`Missing required parameter: '${param}.name'.`, `${param}.name`, 'missing_required_parameter')
  }
  if (!/^[A-Za-z0-9_-]{1,64}$/.test(given.name)) {
    const message =
      "Invalid 'response_format.json_schema.name': string does not match pattern. Expected a string that matches the pattern '^[a-zA-Z0-9_-]+$'."
    throw refused(message, 'response_format.json_schema.name', 'invalid_value')
  }
  const schema = isObject(given.schema) ? given.schema : {}
  const problem = given.strict === true ? strictSchemaProblem(schema) : undefined
  if (problem) throw refused(`Invalid schema for response_format '${given.name}': ${problem}`, 'response_format')
  return { type: 'json_schema', json_schema: { name: given.name, schema, strict: given.strict === true } }
}

const refused = (message: string, param: string | null, code: string | null = null) =>
  new Refused(badRequest(message, param, code))

const isWhole = (value: unknown): value is number => Number.isInteger(value)

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
