import type { EventEmitter } from 'node:events'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { FaultState } from './fault-state.ts'
import { Queue } from './queue.ts'
import type { QueueEvents } from './queue-events.ts'
import type { QueueSettings } from './queue-settings.ts'

export interface Administration {
  queues: Map<string, Queue>
  events: EventEmitter<QueueEvents>
  faults: FaultState
  /** Called after a queue is gone from `queues`. */
  queueDeleted(queue: Queue): void
}

const maxBodyBytes = 100_000

/**
 * The namespace's management API: queues as ATOM entries (create, get, update, delete, list, runtime properties) and the
 * namespace's own data. A missing entity is a 200 with an empty feed, which is what the SDK expects of the service.
 */
export function administer(request: IncomingMessage, response: ServerResponse, parts: Administration): void {
  readBody(request)
    .then((body) => answer(request, body, parts))
    .then(({ status, xml }) => {
      response.writeHead(status, { 'content-type': 'application/atom+xml;type=entry;charset=utf-8' })
      response.end(xml)
    })
    .catch(() => response.destroy())
}

interface Answer {
  status: number
  xml: string
}

function answer(request: IncomingMessage, body: string, parts: Administration): Answer {
  const url = new URL(request.url ?? '/', 'http://localhost')
  const path = decodeURIComponent(url.pathname).replace(/^\/+|\/+$/g, '')
  if (!request.headers.authorization) return failed(401, 'MissingToken: the authorization header is missing.')
  if (parts.faults.busy)
    return failed(503, 'ServerBusy: the request was terminated because the namespace is throttled.')
  if (path === '$namespaceinfo') return { status: 200, xml: entry('$namespaceinfo', namespaceInfo()) }
  if (/^\$Resources\/queues$/i.test(path)) return list(url, parts)
  if (path === '' || path.startsWith('$')) return failed(404, 'The resource is not known here.')
  switch (request.method) {
    case 'GET':
      return get(path, parts)
    case 'PUT':
      return put(path, body, request.headers['if-match'] !== undefined, parts)
    case 'DELETE':
      return remove(path, parts)
    default:
      return failed(405, 'The method is not allowed here.')
  }
}

function get(path: string, { queues }: Administration): Answer {
  const queue = queues.get(path.toLowerCase())
  return { status: 200, xml: queue ? queueEntry(queue) : feed([]) }
}

function put(path: string, body: string, updates: boolean, { queues, events }: Administration): Answer {
  const key = path.toLowerCase()
  const known = queues.get(key)
  if (known && !updates) {
    return failed(
      409,
      `SubCode=40900. Conflict. You're requesting an operation that isn't allowed in the resource's current state: '${path}' exists.`,
    )
  }
  if (!known && updates) return failed(404, `SubCode=40400. Not Found. Entity '${path}' does not exist.`)
  const settings = settingsOf(path, body)
  if (known) known.configure(settings)
  else queues.set(key, new Queue(settings, events))
  const queue = queues.get(key)
  return { status: known ? 200 : 201, xml: queue ? queueEntry(queue) : feed([]) }
}

function remove(path: string, { queues, queueDeleted }: Administration): Answer {
  const queue = queues.get(path.toLowerCase())
  if (!queue) return failed(404, `SubCode=40400. Not Found. Entity '${path}' does not exist.`)
  queues.delete(path.toLowerCase())
  queue.close()
  queueDeleted(queue)
  return { status: 200, xml: '' }
}

function list(url: URL, { queues }: Administration): Answer {
  const skip = Number(url.searchParams.get('$skip') ?? 0)
  const top = Math.min(Number(url.searchParams.get('$top') ?? 100), 100)
  return { status: 200, xml: feed([...queues.values()].slice(skip, skip + top).map(queueEntry)) }
}

function queueEntry(queue: Queue): string {
  const { settings } = queue
  const counts = countsOf(queue)
  const created = new Date(queue.createdAtMs).toISOString()
  const now = new Date().toISOString()
  const duplicates = settings.duplicateDetectionWindowMs > 0
  return entry(
    queue.path,
    `<QueueDescription xmlns="http://schemas.microsoft.com/netservices/2010/10/servicebus/connect" xmlns:i="http://www.w3.org/2001/XMLSchema-instance">${elements(
      {
        LockDuration: duration(settings.lockDurationMs),
        MaxSizeInMegabytes: 1024,
        RequiresDuplicateDetection: duplicates,
        RequiresSession: false,
        DefaultMessageTimeToLive: duration(settings.defaultTimeToLiveMs),
        DeadLetteringOnMessageExpiration: settings.deadLetterOnExpiration,
        DuplicateDetectionHistoryTimeWindow: duration(duplicates ? settings.duplicateDetectionWindowMs : 600_000),
        MaxDeliveryCount: settings.maxDeliveryCount,
        EnableBatchedOperations: true,
        SizeInBytes: 0,
        MessageCount: counts.total,
        Status: 'Active',
        CreatedAt: created,
        UpdatedAt: created,
        AccessedAt: now,
      },
    )}<CountDetails xmlns:d2p1="http://schemas.microsoft.com/netservices/2011/06/servicebus">${elements({
      'd2p1:ActiveMessageCount': counts.active,
      'd2p1:DeadLetterMessageCount': counts.deadLettered,
      'd2p1:ScheduledMessageCount': counts.scheduled,
      'd2p1:TransferMessageCount': 0,
      'd2p1:TransferDeadLetterMessageCount': 0,
    })}</CountDetails>${elements({
      AutoDeleteOnIdle: duration(undefined),
      EnablePartitioning: false,
      EntityAvailabilityStatus: 'Available',
      EnableExpress: false,
    })}</QueueDescription>`,
  )
}

/** Locked and deferred messages count as active, as they do in the service. */
function countsOf(queue: Queue): { active: number; scheduled: number; deadLettered: number; total: number } {
  let scheduled = 0
  for (const one of queue.all()) if (one.state === 'scheduled') scheduled++
  const deadLettered = queue.deadLetters?.size ?? 0
  return { active: queue.size - scheduled, scheduled, deadLettered, total: queue.size + deadLettered }
}

function namespaceInfo(): string {
  const now = new Date().toISOString()
  const values = elements({
    CreatedTime: now,
    MessagingSKU: 'Standard',
    MessagingUnits: 0,
    ModifiedTime: now,
    Name: 'local',
    NamespaceType: 'Messaging',
  })
  return `<NamespaceInfo xmlns="http://schemas.microsoft.com/netservices/2010/10/servicebus/connect">${values}</NamespaceInfo>`
}

/** The settings of a description; what it does not say keeps the service's default. */
function settingsOf(name: string, xml: string): QueueSettings {
  const text = (tag: string) => new RegExp(`<${tag}>([^<]*)</${tag}>`).exec(xml)?.[1]
  const settings: QueueSettings = { name }
  const lock = milliseconds(text('LockDuration'))
  if (lock !== undefined) settings.lockDurationMs = lock
  const timeToLive = milliseconds(text('DefaultMessageTimeToLive'))
  // Said or not: an update may take the limit away.
  settings.defaultTimeToLiveMs = timeToLive !== undefined && timeToLive < forever ? timeToLive : undefined
  if (text('MaxDeliveryCount')) settings.maxDeliveryCount = Number(text('MaxDeliveryCount'))
  settings.deadLetterOnExpiration = text('DeadLetteringOnMessageExpiration') === 'true'
  settings.duplicateDetectionWindowMs =
    text('RequiresDuplicateDetection') === 'true'
      ? (milliseconds(text('DuplicateDetectionHistoryTimeWindow')) ?? 600_000)
      : 0
  return settings
}

const forever = 1_000 * 365 * 86_400_000

/** ISO 8601, as the service writes it; without an end it says the longest time span of .NET. */
function duration(ms: number | undefined): string {
  if (ms === undefined || !Number.isFinite(ms)) return 'P10675199DT2H48M5.4775807S'
  return `PT${ms / 1000}S`
}

function milliseconds(text: string | undefined): number | undefined {
  const match = /^P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:([\d.]+)S)?)?$/.exec(text ?? '')
  if (!match) return undefined
  const [days, hours, minutes, seconds] = match.slice(1).map((part) => Number(part ?? 0))
  return (((days ?? 0) * 24 + (hours ?? 0)) * 60 + (minutes ?? 0)) * 60_000 + (seconds ?? 0) * 1000
}

function entry(path: string, content: string): string {
  const now = new Date().toISOString()
  return `<entry xmlns="http://www.w3.org/2005/Atom"><id>https://localhost/${escapeXml(path)}?api-version=2021-05</id><title type="text">${escapeXml(path)}</title><published>${now}</published><updated>${now}</updated><author><name>local</name></author><link rel="self" href="https://localhost/${escapeXml(path)}"/><content type="application/xml">${content}</content></entry>`
}

function feed(entries: string[]): string {
  return `<feed xmlns="http://www.w3.org/2005/Atom"><title type="text">Queues</title><id>https://localhost/$Resources/queues</id><updated>${new Date().toISOString()}</updated>${entries.join('')}</feed>`
}

function failed(status: number, detail: string): Answer {
  return { status, xml: `<Error><Code>${status}</Code><Detail>${escapeXml(detail)}</Detail></Error>` }
}

function elements(values: Record<string, string | number | boolean>): string {
  return Object.entries(values)
    .map(
      ([tag, value]) =>
        `<${tag}>${escapeXml(String(Number.isFinite(value) || typeof value !== 'number' ? value : 2_147_483_647))}</${tag}>`,
    )
    .join('')
}

function escapeXml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`)
}

async function readBody(request: IncomingMessage): Promise<string> {
  let text = ''
  for await (const chunk of request.setEncoding('utf8')) {
    text += chunk as string
    if (text.length > maxBodyBytes) throw new Error('the body is too large')
  }
  return text
}
