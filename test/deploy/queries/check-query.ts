import { loggedFields } from './logged-fields.ts'

/** The columns of Log Analytics' ContainerAppConsoleLogs that these queries use (Azure Monitor's table reference). */
const columns = new Set([
  'TimeGenerated',
  'Log',
  'ContainerGroupName',
  'ContainerAppName',
  'ContainerName',
  'RevisionName',
])

/** Fields of `incident.enriched` that the contract promises and that come with the telemetry. */
const coming = ['costUsd', 'model']

const logged = loggedFields()

/** What of a query the worker never logs: no event of that name, or none of the query's events has that field. */
export function checkQuery(query: string): string[] {
  const text = query.replace(/\/\/.*$/gm, '')
  const findings: string[] = []
  if (!/^\s*(let \w+ = )?ContainerAppConsoleLogs\b/.test(text)) findings.push('it reads another table')
  const asked = [...text.matchAll(/'((?:incident|worker|circuit|lease|budget)\.[^']*)'/g)].map(
    (match) => match[1] ?? '',
  )
  for (const event of asked) if (!logged.has(event)) findings.push(`there is no event ${event}`)
  // A query that names no event is about every line that has the field.
  const events = asked.length > 0 ? asked : [...logged.keys()]
  const fields = new Set([...coming, ...events.flatMap((event) => [...(logged.get(event) ?? [])])])
  for (const [, field = ''] of text.matchAll(/\bline\.(\w+)/g)) {
    if (!fields.has(field)) findings.push(`there is no field ${field}`)
  }
  // Columns are the capitalised names; what the query itself defines is in lower case.
  for (const [, name = ''] of text.replace(/'[^']*'/g, '').matchAll(/(?<![\w.{])([A-Z]\w+)\b/g)) {
    if (name !== 'ContainerAppConsoleLogs' && !columns.has(name)) findings.push(`there is no column ${name}`)
  }
  return findings
}
