import type { ZodType } from 'zod'
import { Failure } from '../../shared/failure.ts'

/** Reads an answer that should satisfy a schema; a fence around the JSON is forgiven. @throws Failure when it does not. */
export function readStructuredAnswer(text: string, schema: ZodType): Record<string, unknown> {
  let value: unknown
  try {
    value = JSON.parse(withoutFence(text.trim()))
  } catch {
    throw new SchemaViolation()
  }
  const parsed = schema.safeParse(value)
  if (!parsed.success || typeof parsed.data !== 'object' || parsed.data === null) throw new SchemaViolation()
  return parsed.data as Record<string, unknown>
}

/** Every text of a parsed answer, names of members included, as `change` makes it. */
export function mapTexts(value: unknown, change: (text: string) => string): unknown {
  if (typeof value === 'string') return change(value)
  if (Array.isArray(value)) return value.map((item) => mapTexts(item, change))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [change(name), mapTexts(item, change)]))
}

function withoutFence(text: string): string {
  if (!text.startsWith('```') || !text.endsWith('```')) return text
  const firstLine = text.indexOf('\n')
  return firstLine < 0 ? text : text.slice(firstLine + 1, -3)
}

/** The answer does not satisfy the turn's schema: asked once more at once, then at the message's next attempt. */
export class SchemaViolation extends Failure {
  constructor() {
    super("The model's answer does not satisfy the turn's schema; the worker asks again later.", {
      kind: 'unexpected',
      dependency: 'model',
      code: 'SchemaViolation',
    })
    this.name = 'SchemaViolation'
  }
}
