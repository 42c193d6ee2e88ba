/** What the texts of a structured answer are made of: a step. */
export interface Material {
  title: string
  text: string
  query: string
  severity: string
}

type Schema = Record<string, unknown>

interface Filling {
  root: Schema
  steps: Material[]
  wanted: number
  /** Free texts in the order in which they were written, so that the note can end the last one. */
  texts: { holder: Record<string, unknown> | unknown[]; key: string | number; longest: number; prose: boolean }[]
}

const deepest = 12
const shortNames = /title|name|headline|subject|label|summary_line|heading/i
const queryNames = /query|kql|hunt/i

/**
 * Makes a value that a simple JSON schema accepts: objects, lists, texts, enumerations, numbers, booleans, `anyOf` and
 * `$ref`. Lists become the steps, `wanted` of them as far as minItems and maxItems let; the last free text ends with
 * `note`. Keywords beyond lengths, bounds, enumerations and formats (a `pattern`) are not looked at.
 */
export function fillSchema(schema: Schema, steps: Material[], wanted: number, note: string): unknown {
  const filling: Filling = { root: schema, steps, wanted, texts: [] }
  const holder: Record<string, unknown> = {}
  const [first = { title: note, text: note, query: '', severity: '' }] = steps
  put(holder, 'answer', schema, first, filling, 0)
  addNote(filling, note)
  return holder.answer
}

function put(
  holder: Record<string, unknown> | unknown[],
  key: string | number,
  schema: Schema,
  step: Material,
  filling: Filling,
  depth: number,
  name = String(key),
): void {
  const target = holder as Record<string | number, unknown>
  const resolved = resolve(schema, filling.root)
  if ('const' in resolved) target[key] = resolved.const
  else if (Array.isArray(resolved.enum)) target[key] = choose(resolved.enum, step)
  else {
    switch (typeOf(resolved)) {
      case 'object':
        target[key] = fillObject(resolved, step, filling, depth)
        break
      case 'array':
        target[key] = fillList(resolved, step, filling, depth, name)
        break
      case 'integer':
      case 'number':
        target[key] = numberFor(resolved)
        break
      case 'boolean':
        target[key] = false
        break
      case 'null':
        target[key] = null
        break
      default:
        putText(holder, key, resolved, step, filling, name)
    }
  }
}

function fillObject(schema: Schema, step: Material, filling: Filling, depth: number): Record<string, unknown> {
  const value: Record<string, unknown> = {}
  if (depth > deepest) return value
  for (const [name, child] of Object.entries(asObject(schema.properties)))
    put(value, name, asObject(child), step, filling, depth + 1)
  return value
}

function fillList(schema: Schema, step: Material, filling: Filling, depth: number, name: string): unknown[] {
  const items = asObject(schema.items)
  const least = whole(schema.minItems) ?? 0
  const most = whole(schema.maxItems) ?? Number.POSITIVE_INFINITY
  // Below the first level a list is a detail of its step: one entry is enough, and deeper ones stay empty, so that a
  // schema which contains itself ends.
  const asked = depth <= 1 ? filling.wanted : depth <= 3 ? 1 : 0
  const count = Math.min(Math.max(asked, least), most)
  const value: unknown[] = []
  for (let index = 0; index < count; index++) {
    const own = depth <= 1 ? (filling.steps[index % filling.steps.length] ?? step) : step
    put(value, index, items, own, filling, depth + 1, name)
  }
  return value
}

function putText(
  holder: Record<string, unknown> | unknown[],
  key: string | number,
  schema: Schema,
  step: Material,
  filling: Filling,
  name: string,
): void {
  const target = holder as Record<string | number, unknown>
  const format = typeof schema.format === 'string' ? formatted[schema.format] : undefined
  if (format !== undefined) {
    target[key] = format
    return
  }
  const longest = whole(schema.maxLength) ?? Number.POSITIVE_INFINITY
  const prose = !shortNames.test(name) && !queryNames.test(name)
  const text = shortNames.test(name) ? step.title : queryNames.test(name) ? step.query : step.text
  target[key] = text.padEnd(whole(schema.minLength) ?? 0, '.').slice(0, longest)
  filling.texts.push({ holder, key, longest, prose })
}

function addNote({ texts }: Filling, note: string): void {
  const place =
    texts.findLast((text) => text.prose && text.longest >= note.length) ??
    texts.findLast((text) => text.longest >= note.length)
  if (!place) return
  const target = place.holder as Record<string | number, unknown>
  const room = place.longest - note.length - 2
  const text = String(target[place.key])
  target[place.key] = room > 0 ? `${text.slice(0, room)}\n\n${note}` : note
}

const formatted: Record<string, string> = {
  'date-time': '2026-01-01T00:00:00Z',
  date: '2026-01-01',
  time: '00:00:00Z',
  email: 'analyst@contoso.example',
  uuid: '00000000-0000-4000-8000-000000000000',
  uri: 'https://contoso.example/',
  ipv4: '192.0.2.1',
  hostname: 'host.contoso.example',
}

/** The alternative to fill: the first that is not null; references are followed. */
function resolve(schema: Schema, root: Schema): Schema {
  let current = schema
  for (let hops = 0; hops < deepest; hops++) {
    const alternatives = [current.anyOf, current.oneOf, current.allOf].find((list) => Array.isArray(list))
    if (typeof current.$ref === 'string') current = lookUp(current.$ref, root)
    else if (alternatives) current = asObject(alternatives.find((one: unknown) => asObject(one).type !== 'null'))
    else break
  }
  return current
}

function lookUp(reference: string, root: Schema): Schema {
  let found: unknown = root
  for (const part of reference.replace(/^#\/?/, '').split('/').filter(Boolean)) found = asObject(found)[part]
  return asObject(found)
}

function typeOf(schema: Schema): string {
  if (Array.isArray(schema.type)) return String(schema.type.find((type) => type !== 'null') ?? 'null')
  if (typeof schema.type === 'string') return schema.type
  if (schema.properties) return 'object'
  return schema.items ? 'array' : 'string'
}

/** The incident's own severity where the list has it, otherwise the middle: extremes would mean something. */
function choose(values: unknown[], step: Material): unknown {
  const own = values.find((value) => typeof value === 'string' && value.toLowerCase() === step.severity.toLowerCase())
  return own ?? values[Math.floor((values.length - 1) / 2)]
}

function numberFor(schema: Schema): number {
  const low =
    typeof schema.minimum === 'number'
      ? schema.minimum
      : typeof schema.exclusiveMinimum === 'number'
        ? schema.exclusiveMinimum + 1
        : undefined
  const high = typeof schema.maximum === 'number' ? schema.maximum : undefined
  return low ?? Math.min(1, high ?? 1)
}

const whole = (value: unknown): number | undefined =>
  typeof value === 'number' && Number.isInteger(value) ? value : undefined

function asObject(value: unknown): Schema {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Schema) : {}
}
