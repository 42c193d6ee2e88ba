import { analyseKql } from './analyse-kql.ts'
import { loggedFields } from './logged-fields.ts'

const logged = loggedFields()

/**
 * What is wrong with a query: its grammar, its table's columns, and what the worker never logs, an event of that name or a field
 * that none of the query's events has. A `{parameter}` of the Bicep files counts as a number.
 */
export function checkQuery(query: string): string[] {
  const findings = analyseKql(query.replace(/\{\w+\}/g, '1'))
  const text = query.replace(/\/\/.*$/gm, '')
  const asked = [...text.matchAll(/'((?:incident|worker|circuit|lease|budget)\.[^']*)'/g)].map(
    (match) => match[1] ?? '',
  )
  for (const event of asked) if (!logged.has(event)) findings.push(`there is no event ${event}`)
  // A query that names no event is about every line that has the field.
  const events = asked.length > 0 ? asked : [...logged.keys()]
  const fields = new Set([...events.flatMap((event) => [...(logged.get(event) ?? [])])])
  for (const [, field = ''] of text.matchAll(/\bline\.(\w+)/g)) {
    if (!fields.has(field)) findings.push(`there is no field ${field}`)
  }
  return findings
}
