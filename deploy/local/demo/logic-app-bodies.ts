import type { Incident } from '../sentinel/resources.ts'

/** A message as a Logic App's Service Bus action sends it: bytes, and a content type only sometimes. */
export interface LogicAppMessage {
  body: Buffer
  contentType?: string
}

/**
 * The incidents in the shapes that Logic Apps really send, in turn: the id alone, as JSON, as an object, the trigger's body,
 * the trigger's outputs, and base64 of each; the first incident a second time, one message that is no incident, and one of a
 * workspace that is not allowed.
 */
export function logicAppBodies(incidents: Incident[], foreign: Incident | undefined): LogicAppMessage[] {
  const messages = incidents.map((incident, index): LogicAppMessage => {
    const shape = shapes[index % shapes.length]
    return shape ? shape(incident) : { body: Buffer.from(incident.id) }
  })
  const [first] = incidents
  if (first) messages.push({ body: Buffer.from(JSON.stringify(first.id)), contentType: 'application/json' })
  messages.push({ body: Buffer.from('{"hello": "this is no incident"}'), contentType: 'application/json' })
  if (foreign) messages.push({ body: Buffer.from(foreign.id) })
  return messages
}

const trigger = (incident: Incident) => ({ objectSchemaType: 'Incident', objectEventType: 'Create', object: incident })
const json = (value: unknown): LogicAppMessage => ({
  body: Buffer.from(JSON.stringify(value)),
  contentType: 'application/json',
})
const base64 = (text: string): LogicAppMessage => ({ body: Buffer.from(Buffer.from(text).toString('base64')) })

const shapes: ((incident: Incident) => LogicAppMessage)[] = [
  (incident) => ({ body: Buffer.from(incident.id) }),
  (incident) => json(incident.id),
  (incident) => json({ incidentArmId: incident.id }),
  (incident) => json(trigger(incident)),
  (incident) => json({ headers: { 'Content-Type': 'application/json' }, body: trigger(incident) }),
  (incident) => base64(incident.id),
  (incident) => base64(JSON.stringify(trigger(incident))),
  (incident) => ({ body: Buffer.from(`\uFEFF${JSON.stringify({ incidentArmId: incident.id })}`) }),
]
