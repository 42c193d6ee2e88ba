import type { ServiceBusReceivedMessage } from '@azure/service-bus'
import type { IncidentRef } from '../../../shared/arm-id.ts'
import { counterOf, messageProperties } from '../../../shared/message-envelope.ts'
import { bytesOf } from '../../pump/message-copy.ts'
import { type DeadLetter, incidentOf, readDeadLetter } from '../../replay/dead-letter.ts'
import { adviseOn } from '../../replay/explain.ts'
import { UsageError } from '../explain-failure.ts'
import { columnsOf, harmless, paint, tell, wrap } from '../terminal/paint.ts'
import { ageOf } from '../terminal/table.ts'
import { withDeadLetters } from './open.ts'

/** `enricher dlq show <sequence-number>`. @returns 0, or 1 when there is no such dead letter */
export function dlqShow(number: string, options: { json?: boolean }): Promise<number> {
  if (!/^\d{1,19}$/.test(number))
    throw new UsageError(`${number} is not a sequence number; enricher dlq list tells some.`)
  const wanted = BigInt(number).toString()
  return withDeadLetters(async (queue, configuration) => {
    const message = await findBySequence(queue.pages(wanted), wanted)
    if (!message) {
      tell(
        `Dead letter ${wanted} is not in "${queue.queue}": it was replayed or discarded, or never there. enricher dlq list shows what is.`,
      )
      return 1
    }
    const view = viewOf(message, configuration.resourceManagerUrl)
    process.stdout.write(options.json ? `${JSON.stringify(view)}\n` : asText(view, Date.now()))
    return 0
  })
}

async function findBySequence(
  pages: AsyncIterable<ServiceBusReceivedMessage[]>,
  wanted: string,
): Promise<ServiceBusReceivedMessage | undefined> {
  for await (const page of pages) return page.find((one) => one.sequenceNumber?.toString() === wanted)
  return undefined
}

/** The body as a person can read it: text, or base64 where it is none. */
export interface BodyView {
  kind: 'text' | 'binary' | 'value'
  bytes: number | undefined
  text: string
}

interface LetterView extends DeadLetter {
  description: string
  advice: string
  incidentArmId: string | undefined
  portalUrl: string | undefined
  copies: number
  deliveryCount: number
  contentType: string | undefined
  applicationProperties: Record<string, unknown>
  body: BodyView
  replayCommand: string
}

function viewOf(message: ServiceBusReceivedMessage, resourceManagerUrl: string): LetterView {
  const letter = readDeadLetter(message)
  const incident = incidentOf(message)
  return {
    ...letter,
    description: message.deadLetterErrorDescription ?? '',
    advice: adviseOn(letter.reason).what,
    incidentArmId: incident?.armId,
    portalUrl: incident && portalUrl(incident, resourceManagerUrl),
    copies: counterOf(message.applicationProperties?.[messageProperties.copies]),
    deliveryCount: message.deliveryCount ?? 0,
    contentType: message.contentType,
    applicationProperties: message.applicationProperties ?? {},
    body: viewOfBody(message),
    replayCommand: `enricher dlq replay --sequence ${letter.sequence}`,
  }
}

const portals: Record<string, string> = {
  'management.usgovcloudapi.net': 'https://portal.azure.us',
  'management.chinacloudapi.cn': 'https://portal.azure.cn',
}

/** The incident's page in the portal of the same cloud. */
export function portalUrl(incident: IncidentRef, resourceManagerUrl: string): string {
  const portal = portals[new URL(resourceManagerUrl).hostname] ?? 'https://portal.azure.com'
  return `${portal}/#asset/Microsoft_Azure_Security_Insights/Incident${incident.armId}`
}

export function viewOfBody(message: ServiceBusReceivedMessage): BodyView {
  const body = bytesOf(message.body)
  if (!(body instanceof Uint8Array)) {
    return {
      kind: 'value',
      bytes: undefined,
      text: typeof body === 'string' ? body : (JSON.stringify(body) ?? String(body)),
    }
  }
  const bytes = Buffer.from(body)
  try {
    return { kind: 'text', bytes: bytes.length, text: new TextDecoder('utf-8', { fatal: true }).decode(bytes) }
  } catch {
    return { kind: 'binary', bytes: bytes.length, text: bytes.toString('base64') }
  }
}

const maxBodyShown = 4_000
const labelWidth = 13

function asText(view: LetterView, now: number): string {
  const rows: [string, string][] = [
    ['Failure', `${paint('bold', harmless(view.reason))}${view.description ? `: ${harmless(view.description)}` : ''}`],
    ['What to do', view.advice],
    ['Incident', view.portalUrl ?? 'none: the message names no incident'],
    ['Workspace', view.workspace ?? '-'],
    ['Dependency', [view.dependency, view.errorCode].filter(Boolean).map(harmless).join(', ') || '-'],
    ['Died', moment(view.failedAt, now)],
    ['Enqueued', moment(view.enqueuedAt, now)],
    ['History', historyOf(view)],
    ['Message id', harmless(view.messageId)],
    ['Content type', harmless(view.contentType ?? '-')],
    ['Replay it', view.replayCommand],
  ]
  const properties = Object.entries(view.applicationProperties)
    .filter(([name]) => !['DeadLetterReason', 'DeadLetterErrorDescription'].includes(name))
    .map(([name, value]) => `  ${harmless(name)} = ${harmless(String(value))}\n`)
  const { kind, bytes, text } = view.body
  const shown = text.length > maxBodyShown ? `${text.slice(0, maxBodyShown)}… (--json shows all)` : text
  const size = bytes === undefined ? 'an AMQP value' : `${bytes} bytes${kind === 'binary' ? ', not text: base64' : ''}`
  return [
    ...rows.map(
      ([name, value]) => `${paint('dim', name.padEnd(labelWidth))} ${wrap(value, columnsOf(), labelWidth + 1)}\n`,
    ),
    `\n${paint('dim', 'Properties')}\n`,
    ...(properties.length > 0 ? properties : ['  none\n']),
    `\n${paint('dim', `Body (${size})`)}\n`,
    `${shown
      .split('\n')
      .map((line) => `  ${harmless(line)}`)
      .join('\n')}\n`,
  ].join('')
}

function historyOf(view: LetterView): string {
  const times = (count: number, one: string, many: string) => `${count} ${count === 1 ? one : many}`
  return [
    times(view.attempt, 'failed attempt', 'failed attempts'),
    times(view.copies, 'delayed copy', 'delayed copies'),
    times(view.replays, 'replay', 'replays'),
    times(view.deliveryCount, 'delivery', 'deliveries'),
    ...(view.state === 'deferred' ? ['set aside by a replay that was interrupted'] : []),
  ].join(', ')
}

function moment(at: number, now: number): string {
  return at > 0 ? `${new Date(at).toISOString().replace(/\.\d+Z$/, 'Z')} (${ageOf(at, now)} ago)` : 'unknown'
}
