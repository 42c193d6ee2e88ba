import { basename } from 'node:path'
import type { BicepFile, Declaration } from './read-bicep.ts'
import type { Expression, Property } from './read-expression.ts'
import { type PropertyType, type ResourceType, resourceTypes } from './resource-types.ts'

/** What Bicep itself reads of a resource, whatever its type. */
const bicepOwn = new Set(['scope', 'parent', 'dependsOn'])

/**
 * Holds every resource of a file against the published types: type and version, property names, required and read-only
 * properties, values of enumerations, and kinds of values, through variables, conditions and loops. Values that only a deployment
 * knows are not looked into.
 *
 * @returns one line per finding
 */
export function checkTypes(file: BicepFile): string[] {
  const findings: string[] = []
  const symbols = new Map(file.declarations.map((one) => [one.name, one]))
  for (const one of file.declarations) {
    if (one.kind !== 'resource' || !one.value) continue
    const type = resourceTypes.get(one.type)
    const report = (line: number, text: string) => findings.push(`${basename(file.path)}:${line}: ${text}`)
    if (!type) report(one.line, `${one.type} is not among the published types`)
    else new Check(type, symbols, report).resource(one)
  }
  return findings
}

class Check {
  readonly #type: ResourceType
  readonly #symbols: Map<string, Declaration>
  readonly #report: (line: number, text: string) => void

  constructor(type: ResourceType, symbols: Map<string, Declaration>, report: (line: number, text: string) => void) {
    this.#type = type
    this.#symbols = symbols
    this.#report = report
  }

  resource({ value, existing, line }: Declaration) {
    const body = value?.kind === 'for' ? value.body : value
    if (body?.kind !== 'object') return this.#report(line, 'is not an object')
    const own = body.properties.filter((one) => !bicepOwn.has(keyOf(one) ?? ''))
    const wanted = existing ? { name: { type: 'string', required: true as const } } : this.#type.properties
    this.#object(own, wanted, undefined, line)
  }

  #object(given: Property[], known: Record<string, PropertyType>, additional: string | undefined, line: number): void {
    for (const property of given) {
      const key = keyOf(property)
      const type = key === undefined ? undefined : known[key]
      if (type?.readOnly) this.#report(property.line, `${key} is read-only`)
      else if (type) this.#value(property.value, type.type, key ?? '')
      else if (additional !== undefined) this.#value(property.value, additional, key ?? '')
      else if (!property.suppressed)
        this.#report(property.line, `there is no property ${key ?? 'with a computed name'}`)
    }
    const keys = new Set(given.map(keyOf))
    for (const [name, { required }] of Object.entries(known)) {
      if (required && !keys.has(name)) this.#report(line, `${name} is required`)
    }
  }

  #value(value: Expression, type: string, name: string): void {
    const resolved = this.#resolve(value)
    if (type === 'any' || (resolved.kind === 'literal' && resolved.value === null)) return
    if (resolved.kind === 'choice') {
      for (const one of [resolved.yes, resolved.no]) this.#value(one, type, name)
    } else if (resolved.kind === 'array' || resolved.kind === 'for') {
      const element = /^(.*)\[\]$/.exec(type)?.[1]
      if (element === undefined) this.#report(value.line, `${name} is no list`)
      else for (const one of resolved.kind === 'for' ? [resolved.body] : resolved.items) this.#value(one, element, name)
    } else if (resolved.kind === 'object') this.#named(resolved.properties, type, name, value.line)
    else this.#plain(resolved, type, name, value.line)
  }

  #named(given: Property[], type: string, name: string, line: number) {
    const table = this.#type.types[type]
    if (!table) return this.#report(line, `${name} is no object but ${type}`)
    const { properties, additional, discriminator, variants } = table
    if (!discriminator) return this.#object(given, properties, additional, line)
    const chosen = given.find((one) => keyOf(one) === discriminator)?.value
    const variant = chosen && variants?.[textOf(chosen) ?? '']
    if (!variant)
      return this.#report(line, `${discriminator} of ${name} is none of ${Object.keys(variants ?? {}).join(', ')}`)
    this.#object(given, { ...properties, ...variant }, additional, line)
  }

  #plain(value: Expression, type: string, name: string, line: number) {
    const kind = this.#kindOf(value)
    if (kind === undefined) return
    if (type in this.#type.types || type.endsWith('[]')) return this.#report(line, `${name} is a ${kind}, not ${type}`)
    if (['string', 'int', 'bool'].includes(type)) {
      if (kind !== type) this.#report(line, `${name} is a ${kind}, not a ${type}`)
      return
    }
    const text = textOf(value)
    const allowed = type.split(' | ')
    if (kind !== 'string') this.#report(line, `${name} is a ${kind}, not one of ${type}`)
    else if (text !== undefined && !allowed.includes(text))
      this.#report(line, `${name} is "${text}", not one of ${type}`)
  }

  #resolve(value: Expression): Expression {
    const declared = value.kind === 'name' ? this.#symbols.get(value.name) : undefined
    return declared?.kind === 'var' && declared.value ? this.#resolve(declared.value) : value
  }

  /** The kind of a value where it can be told without computing it. */
  #kindOf(value: Expression): string | undefined {
    if (value.kind === 'string') return 'string'
    if (value.kind === 'literal') return typeof value.value === 'number' ? 'int' : 'bool'
    if (value.kind === 'call')
      return ['string', 'guid', 'join', 'replace', 'uniqueString'].includes(value.name) ? 'string' : undefined
    const declared = value.kind === 'name' ? this.#symbols.get(value.name) : undefined
    return declared?.kind === 'param' && ['string', 'int', 'bool'].includes(declared.type) ? declared.type : undefined
  }
}

function textOf(value: Expression): string | undefined {
  if (value.kind !== 'string' || value.parts.some((part) => typeof part !== 'string')) return undefined
  return value.parts.join('')
}

const keyOf = (property: Property) => textOf(property.key)
