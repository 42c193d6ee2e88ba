import type { ServiceBusClient } from '@azure/service-bus'

/** Sends bodies in batches as large as the queue takes. */
export async function sendBodies(client: ServiceBusClient, queue: string, bodies: readonly unknown[]): Promise<void> {
  const sender = client.createSender(queue)
  let batch = await sender.createMessageBatch()
  for (const body of bodies) {
    if (batch.tryAddMessage({ body })) continue
    await sender.sendMessages(batch)
    batch = await sender.createMessageBatch()
    batch.tryAddMessage({ body })
  }
  await sender.sendMessages(batch)
  await sender.close()
}
