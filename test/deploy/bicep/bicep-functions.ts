import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

export type Lambda = (...items: unknown[]) => unknown

interface Place {
  /** Of the calling file: what it loads is relative to it. */
  folder: string
  environment: Record<string, string>
}

type Implementation = (...values: never[]) => unknown

const subscription = '00000000-0000-4000-8000-00000000aaaa'
const group = {
  id: `/subscriptions/${subscription}/resourceGroups/rg-enricher`,
  name: 'rg-enricher',
  location: 'westeurope',
}

/** The functions of Bicep that this project uses; those of scopes answer for one made-up resource group. */
const functionsAt = ({ folder, environment }: Place): Record<string, Implementation> => ({
  concat: (...lists: unknown[][]) => lists.flat(1),
  empty: (value: unknown) => value == null || value === '' || Object.keys(value).length === 0,
  environment: () => ({ resourceManager: 'https://management.azure.com/', name: 'AzureCloud' }),
  guid: (...values: unknown[]) => digest(values).replace(/^(.{8})(.{4})(.{4})(.{4})(.{12}).*$/, '$1-$2-$3-$4-$5'),
  int: (text: string) => Number.parseInt(text, 10),
  join: (items: string[], separator: string) => items.join(separator),
  json: (text: string) => JSON.parse(text),
  last: (items: unknown[]) => items.at(-1),
  loadJsonContent: (file: string) => JSON.parse(readFileSync(join(folder, file), 'utf8')),
  loadTextContent: (file: string) => readFileSync(join(folder, file), 'utf8'),
  map: (items: unknown[], each: Lambda) => items.map((item) => each(item)),
  max: (...values: number[]) => Math.max(...values),
  min: (...values: number[]) => Math.min(...values),
  readEnvironmentVariable: (name: string, fallback: string | undefined) => {
    const value = environment[name] ?? fallback
    if (value === undefined) throw new Error(`the environment variable ${name} is not set and has no default`)
    return value
  },
  replace: (text: string, what: string, by: string) => text.replaceAll(what, by),
  resourceGroup: () => group,
  resourceId: (...values: string[]) => `${group.id}/providers/${values.join('/')}`,
  split: (text: string, separator: string) => text.split(separator),
  string: (value: unknown) => (typeof value === 'string' ? value : JSON.stringify(value)),
  subscriptionResourceId: (...values: string[]) => `/subscriptions/${subscription}/providers/${values.join('/')}`,
  tenant: () => ({ tenantId: '00000000-0000-4000-8000-00000000bbbb' }),
  trim: (text: string) => text.trim(),
  union: (...objects: object[]) => Object.assign({}, ...objects),
  uniqueString: (...values: unknown[]) => digest(values).slice(0, 13),
})

/** Every function that a file may call. */
export const knownFunctions: ReadonlySet<string> = new Set(Object.keys(functionsAt({ folder: '', environment: {} })))

/** Calls a function by its name. @throws Error when it is not one of those that this project uses */
export function callFunction(name: string, values: unknown[], place: Place): unknown {
  const implementation = functionsAt(place)[name]
  if (!implementation) throw new Error(`the function ${name} is not understood`)
  return implementation(...(values as never[]))
}

function digest(values: unknown[]): string {
  return createHash('sha256').update(JSON.stringify(values)).digest('hex')
}
