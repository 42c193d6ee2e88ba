import type { ZodType } from 'zod'
import { Failure } from '../../shared/failure.ts'

/** Reads an answer that should satisfy a schema; a fence around the JSON is forgiven. @throws Failure when it does not. */
export function readStructuredAnswer(text: string, schema: ZodType): Record<string, unknown> {
  const unfenced = /^\s*```(?:json)?\s*\n([\s\S]*?)\n\s*```\s*$/.exec(text)?.[1] ?? text
  let value: unknown
  try {
    value = JSON.parse(unfenced)
  } catch {
    throw violation()
  }
  const parsed = schema.safeParse(value)
  if (!parsed.success || typeof parsed.data !== 'object' || parsed.data === null) throw violation()
  return parsed.data as Record<string, unknown>
}

function violation(): Failure {
  return new Failure("The model's answer does not satisfy the turn's schema; the worker asks again later.", {
    kind: 'unexpected',
    dependency: 'model',
    code: 'SchemaViolation',
  })
}
