interface Schema {
  type?: string | string[]
  properties?: Record<string, Schema>
  items?: Schema
  enum?: unknown[]
  const?: unknown
  anyOf?: Schema[]
  minItems?: number
  maxItems?: number
  minimum?: number
}

/** A step's material for the texts of a structured answer. */
export interface Material {
  title: string
  text: string
}

/** Makes a value that a simple JSON schema accepts: lists of objects become the steps, texts their titles and details. */
export function fillSchema(schema: Record<string, unknown>, steps: Material[], note: string): unknown {
  const last = steps.at(-1)
  const noted = steps.map((step) => (step === last ? { ...step, text: `${step.text}\n\n${note}` } : step))
  return fill(schema as Schema, 'answer', noted, noted[0] ?? { title: note, text: note })
}

function fill(schema: Schema, name: string, steps: Material[], current: Material): unknown {
  if (schema.const !== undefined) return schema.const
  if (schema.enum?.length) return schema.enum[0]
  if (schema.anyOf?.[0]) return fill(schema.anyOf[0], name, steps, current)
  const type = Array.isArray(schema.type) ? schema.type[0] : schema.type
  switch (type) {
    case 'object':
      return Object.fromEntries(
        Object.entries(schema.properties ?? {}).map(([key, one]) => [key, fill(one, key, steps, current)]),
      )
    case 'array': {
      const count = Math.min(Math.max(steps.length, schema.minItems ?? 0), schema.maxItems ?? 8)
      return Array.from({ length: count }, (_, index) =>
        fill(schema.items ?? {}, name, steps, steps[index % steps.length] ?? current),
      )
    }
    case 'number':
    case 'integer':
      return schema.minimum ?? 1
    case 'boolean':
      return false
    case 'null':
      return null
    default:
      return /title|name|headline|subject/i.test(name) ? current.title : current.text
  }
}
