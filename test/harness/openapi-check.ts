import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { Ajv2019, type ErrorObject, type ValidateFunction } from 'ajv/dist/2019.js'
import addFormats from 'ajv-formats'

export interface OpenApiCheck {
  /** The ids of all operations, for a test that must leave none out. */
  operations: string[]
  /** The operation's id at a verb and path, if there is one. */
  operationAt(method: string, path: string): string | undefined
  /** What is wrong with a request; a property that the description does not know is wrong. `path` has the query with it. */
  request(method: string, path: string, body?: unknown): string[]
  /** What is wrong with an answer; it may hold more than the description says, as real ones do. */
  response(method: string, path: string, status: number, body?: unknown): string[]
}

interface Parameter {
  name: string
  in: string
  required?: boolean
  schema?: object
  [keyword: string]: unknown
}

interface Operation {
  id: string
  method: string
  path: RegExp
  pathNames: string[]
  parameters: Parameter[]
  /** Schemas by status; `null` where an answer has no body. */
  responses: Map<string, object | null>
}

/** Real answers have null here, although the published schema says string. */
const nullableMembers = new Set(['IncidentOwnerInfo'])
const parameterKeywords = ['type', 'format', 'pattern', 'minLength', 'maxLength', 'minimum', 'maximum', 'enum']

/**
 * Reads every OpenAPI 2 description under a folder and checks requests and answers against it. References are followed
 * over files; what OpenAPI 2 has from JSON Schema draft 4 is rewritten; discriminators are ignored.
 * @throws when the folder has no description.
 */
export function createOpenApiCheck(root: string): OpenApiCheck {
  const documents = readDocuments(root)
  const operations = [...documents].flatMap(([uri, document]) => readOperations(uri, document, documents))
  if (operations.length === 0) throw new Error(`no OpenAPI description under ${root}`)
  const open = createValidator(documents, false)
  const closed = createValidator(documents, true)

  function find(method: string, address: URL): Operation | undefined {
    return operations.find((one) => one.method === method.toUpperCase() && one.path.test(address.pathname))
  }

  return {
    operations: operations.map(({ id }) => id),
    operationAt: (method, path) => find(method, toUrl(path))?.id,
    request(method, path, body) {
      const address = toUrl(path)
      const operation = find(method, address)
      if (!operation) return [`${method} ${address.pathname}: no such operation`]
      const { id, parameters } = operation
      const values = operation.path.exec(address.pathname)?.slice(1) ?? []
      const sent = new Map(operation.pathNames.map((name, at) => [name, decodeURIComponent(values[at] ?? '')]))
      const known = parameters.filter((one) => one.in === 'query').map(({ name }) => name)
      // The continuation in a next link is the service's to add, whether or not the operation names it.
      const unknown = [...address.searchParams.keys()].filter(
        (name) => !known.includes(name) && name.toLowerCase() !== '$skiptoken',
      )
      const bodySchema = parameters.find((one) => one.in === 'body')
      return [
        ...unknown.map((name) => `${id}: unknown query parameter ${name}`),
        ...parameters
          .filter((one) => one.in === 'query' || one.in === 'path')
          .flatMap((one) => {
            const text = one.in === 'path' ? sent.get(one.name) : (address.searchParams.get(one.name) ?? undefined)
            if (text === undefined) return one.required ? [`${id}: parameter ${one.name} is missing`] : []
            const schema = Object.fromEntries(Object.entries(one).filter(([key]) => parameterKeywords.includes(key)))
            const value = one.type === 'integer' ? Number(text) : text
            return open(schema, value).map((problem) => `${id}: parameter ${one.name} ${problem}`)
          }),
        ...(bodySchema?.schema
          ? closed(bodySchema.schema, body).map((problem) => `${id}: body${problem}`)
          : body === undefined
            ? []
            : [`${id}: takes no body`]),
      ]
    },
    response(method, path, status, body) {
      const operation = find(method, toUrl(path))
      if (!operation) return [`${method} ${path}: no such operation`]
      const { id, responses } = operation
      // `default` describes errors: a success that is not listed is none.
      const schema = responses.get(String(status)) ?? (status >= 400 ? responses.get('default') : undefined)
      if (responses.get(String(status)) === null) return body === undefined ? [] : [`${id} ${status}: has a body`]
      if (!schema) return [`${id}: the status ${status} is not described`]
      return open(schema, body).map((problem) => `${id} ${status}: body${problem}`)
    },
  }
}

function toUrl(path: string): URL {
  return new URL(path, 'https://management.azure.com')
}

type Document = Record<string, unknown>

function readDocuments(root: string): Map<string, Document> {
  const files = readdirSync(root, { recursive: true, encoding: 'utf8' })
  const found = files.filter((name) => name.endsWith('.json') && !/(^|[\\/])examples[\\/]/.test(name))
  return new Map(
    found.map((name) => {
      const file = join(root, name)
      const uri = pathToFileURL(file).href
      return [uri, rewrite(JSON.parse(readFileSync(file, 'utf8')), uri) as Document]
    }),
  )
}

/** Turns OpenAPI 2 into what ajv reads: absolute references without siblings, nullable types, numeric exclusive limits. */
function rewrite(node: unknown, uri: string, name = ''): unknown {
  if (Array.isArray(node)) return node.map((part) => rewrite(part, uri))
  if (!isRecord(node)) return node
  if (typeof node.$ref === 'string') return { $ref: new URL(node.$ref, uri).href }
  const copy = Object.fromEntries(Object.entries(node).map(([key, value]) => [key, rewrite(value, uri, key)]))
  if (copy['x-nullable'] === true && typeof copy.type === 'string') copy.type = [copy.type, 'null']
  for (const [limit, exclusive] of [
    ['minimum', 'exclusiveMinimum'],
    ['maximum', 'exclusiveMaximum'],
  ] as const) {
    if (typeof copy[exclusive] !== 'boolean') continue
    if (copy[exclusive]) copy[exclusive] = copy[limit]
    else delete copy[exclusive]
  }
  if (nullableMembers.has(name) && isRecord(copy.properties)) {
    const members = Object.entries(copy.properties)
    copy.properties = Object.fromEntries(members.map(([key, value]) => [key, { anyOf: [{ type: 'null' }, value] }]))
  }
  return copy
}

function readOperations(uri: string, document: Document, documents: Map<string, Document>): Operation[] {
  const resolve = (node: unknown): Record<string, unknown> => {
    const record = isRecord(node) ? node : {}
    return typeof record.$ref === 'string' ? resolve(follow(record.$ref, documents)) : record
  }
  const paths = isRecord(document.paths) ? Object.entries(document.paths) : []
  return paths.flatMap(([template, verbs]) =>
    Object.entries(isRecord(verbs) ? verbs : {})
      .filter(([, operation]) => isRecord(operation) && 'responses' in operation)
      .map(([verb, node]) => {
        const operation = resolve(node)
        const parameters = Array.isArray(operation.parameters) ? operation.parameters : []
        const responses = Object.entries(isRecord(operation.responses) ? operation.responses : {})
        return {
          id: `${operation.operationId ?? `${verb} ${template} in ${uri}`}`,
          method: verb.toUpperCase(),
          path: new RegExp(`^${template.replaceAll('.', '\\.').replace(/\{\w+\}/g, '([^/]+)')}/?$`, 'i'),
          pathNames: [...template.matchAll(/\{(\w+)\}/g)].map((match) => match[1] ?? ''),
          parameters: parameters.map((one) => resolve(one) as Parameter),
          responses: new Map(
            responses.map(([status, response]) => {
              const { schema } = resolve(response)
              return [status, isRecord(schema) ? schema : null]
            }),
          ),
        }
      }),
  )
}

function follow(reference: string, documents: Map<string, Document>): unknown {
  const [uri = '', pointer = ''] = reference.split('#')
  const steps = pointer.split('/').slice(1)
  return steps.reduce<unknown>((node, step) => (isRecord(node) ? node[step] : undefined), documents.get(uri))
}

/** `closed`: a schema that is no base of another one allows only the properties that it names. */
function createValidator(
  documents: Map<string, Document>,
  closed: boolean,
): (schema: object, value: unknown) => string[] {
  const ajv = new Ajv2019({ strict: false, allErrors: true, validateSchema: false, logger: false })
  // Under nodenext the types see the namespace, not the function that CommonJS exports.
  addFormats.default(ajv)
  ajv.addFormat('arm-id', /^\/(subscriptions|providers)\//i)
  const bases = new Set<string>()
  for (const document of documents.values()) collectBases(document, bases)
  for (const [uri, document] of documents) {
    const copy = structuredClone(document)
    const definitions = isRecord(copy.definitions) ? Object.entries(copy.definitions) : []
    for (const [name, schema] of definitions) {
      const closes =
        closed && isRecord(schema) && isRecord(schema.properties) && !bases.has(`${uri}#/definitions/${name}`)
      if (closes && !('additionalProperties' in schema)) schema.unevaluatedProperties = false
    }
    ajv.addSchema({ definitions: copy.definitions ?? {} }, uri)
  }
  const compiled = new Map<object, ValidateFunction>()
  return (schema, value) => {
    const validate = compiled.get(schema) ?? ajv.compile(schema)
    compiled.set(schema, validate)
    return validate(value) ? [] : (validate.errors ?? []).map(describe)
  }
}

function describe({ instancePath, message, params }: ErrorObject): string {
  const culprit = params.unevaluatedProperty ?? params.allowedValues
  return `${instancePath} ${message}${culprit === undefined ? '' : `: ${culprit}`}`
}

function collectBases(node: unknown, bases: Set<string>): void {
  if (Array.isArray(node)) for (const part of node) collectBases(part, bases)
  if (!isRecord(node)) return
  if (Array.isArray(node.allOf)) {
    for (const base of node.allOf) if (isRecord(base) && typeof base.$ref === 'string') bases.add(base.$ref)
  }
  for (const value of Object.values(node)) collectBases(value, bases)
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
