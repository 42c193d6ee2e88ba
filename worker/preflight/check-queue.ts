import type { TokenCredential } from '@azure/identity'
import { ServiceBusAdministrationClient } from '@azure/service-bus'
import Long from 'long'
import type { QueueConfiguration } from '../configuration.ts'
import { closeClient, openQueueClient } from '../pump/queue-connection.ts'
import { codeOf } from '../pump/settlement.ts'
import { type CheckResult, grantCommand, roles } from './check-result.ts'

const what = 'queue'
/** Below these, the queue works against the worker. */
const shortestLockSeconds = 30
const fewestDeliveries = 50

/** The queue: that it is there, that it may be read and sent to, and its settings as far as they may be read. */
export async function checkQueue(
  configuration: QueueConfiguration,
  credential: () => TokenCredential,
  principal: string | undefined,
  signal: AbortSignal,
): Promise<CheckResult[]> {
  const use = await checkUse(configuration, credential, principal, signal)
  if (use.some((one) => one.status === 'failed')) return use
  return [...use, ...(await checkSettings(configuration, credential, signal))]
}

async function checkUse(
  configuration: QueueConfiguration,
  credential: () => TokenCredential,
  principal: string | undefined,
  abortSignal: AbortSignal,
): Promise<CheckResult[]> {
  const { queue } = configuration
  const client = openQueueClient(configuration, credential)
  try {
    // Looking takes the right to listen, and opening a sender's link the right to send; neither changes anything.
    await client.createReceiver(queue).peekMessages(1, { fromSequenceNumber: Long.ZERO, abortSignal })
    const sender = client.createSender(queue)
    try {
      await sender.createMessageBatch({ abortSignal })
    } catch (error) {
      return [refused(configuration, codeOf(error), roles.sender, 'be sent to', principal)]
    }
    return [{ what, status: 'passed', says: `"${queue}" exists, may be read and sent to` }]
  } catch (error) {
    return [refused(configuration, codeOf(error), roles.receiver, 'be read', principal)]
  } finally {
    await closeClient(client)
  }
}

function refused(
  { queue, namespace }: QueueConfiguration,
  code: string,
  role: string,
  verb: string,
  principal: string | undefined,
): CheckResult {
  if (code === 'MessagingEntityNotFound') {
    const create = namespace
      ? `az servicebus queue create --namespace-name ${namespace.split('.')[0]} --name ${queue} --resource-group <group> --enable-duplicate-detection true --max-delivery-count 100`
      : 'Create it, or correct SERVICEBUS_QUEUE.'
    return { what, status: 'failed', says: `"${queue}" does not exist`, todo: create }
  }
  if (code === 'UnauthorizedAccess' || code === 'InvalidSignature') {
    const scope = `$(az servicebus namespace list --query "[?name=='${namespace?.split('.')[0]}'].id" -o tsv)/queues/${queue}`
    return {
      what,
      status: 'failed',
      says: `"${queue}" may not ${verb} (${code}): the role ${role} is missing`,
      todo: namespace ? grantCommand(role, scope, principal) : 'Take a key with Listen and Send on the queue.',
    }
  }
  return {
    what,
    status: 'failed',
    says: `"${queue}" cannot be reached (${code})`,
    todo: 'Check SERVICEBUS_NAMESPACE or SERVICEBUS_CONNECTION_STRING, DNS, and whether the network lets AMQP (5671) out.',
  }
}

async function checkSettings(
  { queue, namespace, connectionString }: QueueConfiguration,
  credential: () => TokenCredential,
  abortSignal: AbortSignal,
): Promise<CheckResult[]> {
  const retryOptions = { maxRetries: 0 }
  const client = connectionString
    ? new ServiceBusAdministrationClient(connectionString, { retryOptions })
    : new ServiceBusAdministrationClient(namespace ?? '', credential(), { retryOptions })
  try {
    const [settings, counts] = await Promise.all([
      client.getQueue(queue, { abortSignal }),
      client.getQueueRuntimeProperties(queue, { abortSignal }),
    ])
    return [
      ...judgeSettings({
        lockSeconds: secondsOf(settings.lockDuration),
        duplicateSeconds: settings.requiresDuplicateDetection
          ? secondsOf(settings.duplicateDetectionHistoryTimeWindow)
          : 0,
        maxDeliveryCount: settings.maxDeliveryCount,
        sessions: settings.requiresSession,
      }),
      countsLine(counts.activeMessageCount, counts.scheduledMessageCount, counts.deadLetterMessageCount),
    ]
  } catch (error) {
    return [
      {
        what: 'queue settings',
        status: 'warning',
        says: `lock time, duplicate detection, delivery count and counts could not be read (${settingsCode(error)})`,
        todo: 'They take Azure Service Bus Data Owner (or a key with Manage), which the worker does not need: look at them in the portal.',
      },
    ]
  }
}

/** What the queue is set to; seconds. Pure. */
export function judgeSettings(settings: {
  lockSeconds: number
  duplicateSeconds: number
  maxDeliveryCount: number
  sessions: boolean
}): CheckResult[] {
  const { lockSeconds, duplicateSeconds, maxDeliveryCount, sessions } = settings
  const results: CheckResult[] = []
  const warn = (says: string, todo: string) => results.push({ what: 'queue settings', status: 'warning', says, todo })
  if (sessions) {
    results.push({
      what: 'queue settings',
      status: 'failed',
      says: 'the queue requires sessions, which the worker does not use',
      todo: 'Create the queue without sessions.',
    })
  }
  if (duplicateSeconds === 0) {
    warn(
      'duplicate detection is off: the same incident twice, and what a crash repeats, is two messages (the writes stay single)',
      'Create the queue with duplicate detection; it cannot be switched on later.',
    )
  }
  if (lockSeconds < shortestLockSeconds) {
    warn(`the lock lasts ${lockSeconds} s, which leaves little time to renew it`, `Set it to 60 s or more.`)
  }
  if (maxDeliveryCount < fewestDeliveries) {
    warn(
      `the maximum delivery count is ${maxDeliveryCount}: interrupted deliveries count, and would dead-letter a healthy message`,
      'Set it to 100; the worker counts failed attempts itself.',
    )
  }
  if (results.length === 0) {
    const says = `lock ${lockSeconds} s, duplicate detection ${duplicateSeconds} s, maximum delivery count ${maxDeliveryCount}`
    results.push({ what: 'queue settings', status: 'passed', says })
  }
  return results
}

function countsLine(active: number, scheduled: number, dead: number): CheckResult {
  const says = `${active} waiting, ${scheduled} scheduled, ${dead} dead ${dead === 1 ? 'letter' : 'letters'}`
  return dead > 0
    ? { what: 'queue counts', status: 'warning', says, todo: 'enricher dlq list' }
    : { what: 'queue counts', status: 'passed', says }
}

/** ISO 8601 durations as the service writes them, in seconds. */
export function secondsOf(duration: string): number {
  const match = /^P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:([\d.]+)S)?)?$/.exec(duration)
  if (!match) return 0
  const [days = 0, hours = 0, minutes = 0, seconds = 0] = match.slice(1).map((part) => Number(part ?? 0))
  return ((days * 24 + hours) * 60 + minutes) * 60 + seconds
}

function settingsCode(error: unknown): string {
  const { statusCode } = error as { statusCode?: unknown }
  return typeof statusCode === 'number' ? `HTTP ${statusCode}` : codeOf(error)
}
