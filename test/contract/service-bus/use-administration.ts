import { ServiceBusAdministrationClient } from '@azure/service-bus'

// Run as a program, with the connection string as its argument: NODE_EXTRA_CA_CERTS counts only when a process starts.
const client = new ServiceBusAdministrationClient(process.argv[2] ?? '')

const failureOf = async (action: Promise<unknown>) =>
  action.then(
    () => 'none',
    (error: { code?: string }) => error.code ?? String(error),
  )

const namespace = await client.getNamespaceProperties()
const created = await client.createQueue('made', {
  lockDuration: 'PT45S',
  maxDeliveryCount: 7,
  requiresDuplicateDetection: true,
  duplicateDetectionHistoryTimeWindow: 'PT5M',
  deadLetteringOnMessageExpiration: true,
  defaultMessageTimeToLive: 'P1D',
})
const conflict = await failureOf(client.createQueue('made'))
const exists = [await client.queueExists('made'), await client.queueExists('missing')]
const missing = await failureOf(client.getQueue('missing'))
const updated = await client.updateQueue({ ...created, maxDeliveryCount: 9 })
const names: string[] = []
for await (const queue of client.listQueues()) names.push(queue.name)
const runtime = await client.getQueueRuntimeProperties('q')
await client.deleteQueue('made')
const afterwards = await client.queueExists('made')

process.stdout.write(
  JSON.stringify({
    sku: namespace.messagingSku,
    lockDuration: created.lockDuration,
    maxDeliveryCount: created.maxDeliveryCount,
    duplicates: created.requiresDuplicateDetection,
    window: created.duplicateDetectionHistoryTimeWindow,
    deadLetters: created.deadLetteringOnMessageExpiration,
    timeToLive: created.defaultMessageTimeToLive,
    conflict,
    exists,
    missing,
    updated: updated.maxDeliveryCount,
    names,
    counts: {
      active: runtime.activeMessageCount,
      scheduled: runtime.scheduledMessageCount,
      deadLettered: runtime.deadLetterMessageCount,
      total: runtime.totalMessageCount,
    },
    afterwards,
  }),
)
