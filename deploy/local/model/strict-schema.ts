/**
 * What a strict response schema breaks of the API's rules, as the API words it: every object is closed, and requires each
 * of its properties. `undefined` when it keeps them.
 */
export function strictSchemaProblem(schema: unknown, path: string[] = []): string | undefined {
  if (path.length === 0 && !(isObject(schema) && (schema.type === 'object' || '$ref' in schema))) {
    return `schema must be a JSON Schema of 'type: "object"', got 'type: "${isObject(schema) ? String(schema.type) : 'None'}"'.`
  }
  if (!isObject(schema) || path.length > 40) return undefined
  const context = `In context=(${path.map((part) => `'${part}'`).join(', ')}${path.length === 1 ? ',' : ''})`
  if (schema.type === 'object' || isObject(schema.properties)) {
    if (schema.additionalProperties !== false) {
      return `${context}, 'additionalProperties' is required to be supplied and to be false.`
    }
    const names = isObject(schema.properties) ? Object.keys(schema.properties) : []
    const required: unknown[] = Array.isArray(schema.required) ? schema.required : []
    const missing = names.find((name) => !required.includes(name))
    if (missing !== undefined) {
      return `${context}, 'required' is required to be supplied and to be an array including every key in properties. Missing '${missing}'.`
    }
  }
  for (const group of ['properties', '$defs', 'definitions'] as const) {
    for (const [name, child] of Object.entries(isObject(schema[group]) ? schema[group] : {})) {
      const problem = strictSchemaProblem(child, [...path, group, name])
      if (problem) return problem
    }
  }
  const alternatives: unknown[] = Array.isArray(schema.anyOf) ? schema.anyOf : []
  for (const [name, child] of [
    ['items', schema.items],
    ...alternatives.map((child, index) => [`anyOf[${index}]`, child]),
  ] as const) {
    const problem = strictSchemaProblem(child, [...path, String(name)])
    if (problem) return problem
  }
  return undefined
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
