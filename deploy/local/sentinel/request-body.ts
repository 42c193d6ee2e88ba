import { badRequest } from './arm-error.ts'

/** The `properties` bag and the etag of a resource that a client sends. Everything else in the body is read-only. */
export interface SentResource {
  etag: string | undefined
  properties: Record<string, unknown>
}

/** @throws ArmError 400 when the body is no resource. */
export function readResource(body: unknown): SentResource {
  if (!isObject(body)) throw badRequest('The request body is missing or is not a JSON object.')
  if (!isObject(body.properties)) throw badRequest("'Properties' must have a value")
  const { etag } = body
  return { etag: typeof etag === 'string' && etag !== '' ? etag : undefined, properties: body.properties }
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/**
 * A text, or `undefined` when it is absent, null or empty.
 * @throws ArmError 400 when it is no text or longer than `maxLength` UTF-16 units.
 */
export function readText(properties: Record<string, unknown>, name: string, maxLength: number): string | undefined {
  const value = properties[name] ?? ''
  if (typeof value !== 'string') throw badRequest(`Invalid value for '${name}': a string is expected.`)
  if (value.length > maxLength) {
    throw badRequest(`'${name}' is too long: ${value.length} characters, the maximum is ${maxLength}.`)
  }
  return value === '' ? undefined : value
}

/**
 * One of the given words, or `undefined` when it is absent, null or empty.
 * @throws ArmError 400 when it is anything else.
 */
export function readWord<Word extends string>(
  properties: Record<string, unknown>,
  name: string,
  words: readonly Word[],
): Word | undefined {
  const value = properties[name] ?? ''
  if (value === '') return undefined
  const known = words.find((word) => word === value)
  if (!known) throw badRequest(`Invalid value '${String(value)}' for '${name}'. Allowed values: ${words.join(', ')}.`)
  return known
}

/** The two messages that users of the real service quote (azure-powershell issue 29130). */
export const emptyTitle = () => badRequest("'Title' must have a non-empty value")
export const emptyField = (name: string) => badRequest(`${name} must not be empty.`)
