import * as z from 'zod'
import {
  type Alert,
  alertsSchema,
  type Entity,
  entitiesSchema,
  type Incident,
  incidentSchema,
} from '../sentinel/incident.ts'

/** An incident and what came with it, from a file. */
export interface FiledIncident {
  incident: Incident
  alerts: Alert[]
  entities: Entity[]
}

const wrappedSchema = z.union([
  z.object({ object: z.unknown() }).transform(({ object }) => object),
  z.object({ body: z.object({ object: z.unknown() }) }).transform(({ body }) => body.object),
  z.object({ incident: z.unknown() }).transform(({ incident }) => incident),
])
const companionsSchema = z.object({
  alerts: z.array(z.unknown()).optional(),
  entities: z.array(z.unknown()).optional(),
  relatedEntities: z.array(z.unknown()).optional(),
})

/**
 * Reads an incident from JSON: as the Sentinel API answers it, a trigger's body (bare or inside `{headers, body}`), or
 * `{incident, alerts, entities}`. Alerts and entities are looked for in the file and in the incident's properties, where a
 * trigger has them.
 *
 * @returns undefined when the text holds no incident
 */
export function readIncidentFile(text: string): FiledIncident | undefined {
  let file: unknown
  try {
    file = JSON.parse(text.replace(/^\uFEFF/, ''))
  } catch {
    return undefined
  }
  const candidate = wrappedSchema.safeParse(file).data ?? file
  const incident = incidentSchema.safeParse(candidate).data
  if (!incident) return undefined
  const sources = [file, incident.properties].map((one) => companionsSchema.safeParse(one).data)
  const first = (name: 'alerts' | 'entities' | 'relatedEntities') =>
    sources.map((one) => one?.[name]).find((list) => list)
  return {
    incident,
    alerts: alertsSchema.safeParse({ value: first('alerts') ?? [] }).data?.items ?? [],
    entities:
      entitiesSchema.safeParse({ entities: first('entities') ?? first('relatedEntities') ?? [] }).data?.items ?? [],
  }
}
