import * as z from 'zod'

/**
 * What Sentinel answers (API version 2025-09-01), parsed no further than needed: members that are not named here pass
 * through untouched, because the incident is written back whole.
 */

const text = z.string().nullish()
const names = z.array(z.string()).nullish()

const labelSchema = z.looseObject({ labelName: z.string() })

export const incidentSchema = z.looseObject({
  etag: z.string().nullish(),
  properties: z.looseObject({
    title: z.string(),
    description: text,
    severity: z.string(),
    status: z.string(),
    labels: z.array(labelSchema).nullish(),
    incidentNumber: z.number().nullish(),
    additionalData: z.looseObject({ tactics: names, techniques: names, alertsCount: z.number().nullish() }).nullish(),
  }),
})
export type Incident = z.infer<typeof incidentSchema>

const alertSchema = z.looseObject({
  properties: z
    .looseObject({
      alertDisplayName: text,
      description: text,
      severity: text,
      productName: text,
      tactics: names,
    })
    .nullish(),
})
export type Alert = z.infer<typeof alertSchema>

export const alertsSchema = z
  .object({ value: z.array(alertSchema), nextLink: text })
  .transform(({ value, nextLink }) => ({ items: value, nextLink }))

const entitySchema = z.looseObject({ kind: text, properties: z.record(z.string(), z.unknown()).nullish() })
export type Entity = z.infer<typeof entitySchema>

export const entitiesSchema = z
  .object({ entities: z.array(entitySchema).nullish() })
  .transform(({ entities }) => ({ items: entities ?? [] }))

export const taskListSchema = z
  .object({ value: z.array(z.looseObject({ name: z.string() })), nextLink: text })
  .transform(({ value, nextLink }) => ({ items: value.map((task) => task.name), nextLink }))

/** An incident as a list has it, as far as a backfill looks. */
const listedSchema = z.looseObject({
  id: z.string(),
  name: z.string(),
  properties: z.looseObject({
    status: z.string(),
    severity: z.string(),
    labels: z.array(labelSchema).nullish(),
    incidentNumber: z.number().nullish(),
    createdTimeUtc: text,
  }),
})
export type ListedIncident = z.infer<typeof listedSchema>

export const incidentPageSchema = z.object({ value: z.array(listedSchema), nextLink: text })
