import { ServiceBusClient } from '@azure/service-bus'
import type { Stack } from '../../deploy/local/start-stack.ts'
import { addIncidents, type TestIncident } from '../harness/incidents.ts'
import { sendBodies } from '../harness/send-bodies.ts'

/** Adds open incidents and sends their ids to a queue. */
export async function sendIncidents(stack: Stack, queue: string, count: number): Promise<TestIncident[]> {
  const incidents = addIncidents(stack, count)
  await sendThrough(
    stack,
    queue,
    incidents.map(({ armId }) => armId),
  )
  return incidents
}

/** Sends bodies over a connection of its own. */
export async function sendThrough(stack: Stack, queue: string, bodies: readonly string[]): Promise<void> {
  const client = new ServiceBusClient(stack.broker.connectionString)
  await sendBodies(client, queue, bodies)
  await client.close()
}

/** @throws unless `count` incidents have their three tasks and their tag: a candidate that skips work is not fast */
export function assertDone(stack: Stack, incidents: readonly TestIncident[], count = incidents.length): void {
  const done = incidents.filter(({ guid }) => {
    const labels = stack.sentinel.store.incident(guid).properties.labels ?? []
    return stack.sentinel.store.tasks(guid).length === 3 && labels.some(({ labelName }) => labelName === 'ai-enriched')
  })
  if (done.length < count) throw new Error(`${done.length} incidents have three tasks and the tag, not ${count}`)
}
