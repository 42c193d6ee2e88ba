import { readFileSync } from 'node:fs'
import type { ServiceBusMessage, ServiceBusSender } from '@azure/service-bus'
import { coversWorkspace, type IncidentRef, parseIncidentArmId } from '../../shared/arm-id.ts'
import { decodeIncidentMessage, firstMessageId } from '../../shared/message-envelope.ts'
import { readEnqueueConfiguration } from '../configuration.ts'
import { loadPlaybook } from '../playbooks/load-playbook.ts'
import { closeClient, openQueueClient } from '../pump/queue-connection.ts'
import { UsageError } from './explain-failure.ts'
import { queueCredential } from './queue-credential.ts'

/** `enricher enqueue`: puts incidents on the queue. @returns the exit code */
export async function enqueue(ids: string[], options: { file?: string; json?: boolean }): Promise<number> {
  const configuration = readEnqueueConfiguration(process.env)
  const incidents = readIncidents(ids, options.file)
  for (const incident of incidents) {
    const { workspaces } = configuration
    if (workspaces.length > 0 && !workspaces.some((entry) => coversWorkspace(entry, incident))) {
      throw new UsageError(
        `${incident.armId} is in a workspace that SENTINEL_WORKSPACES does not list: the worker would dead-letter it. Nothing was sent.`,
      )
    }
  }
  const playbook = loadPlaybook(configuration.playbookFile)
  const client = openQueueClient(configuration.queue, await queueCredential(configuration))
  try {
    const messages = incidents.map((incident) => ({
      body: incident.armId,
      contentType: 'application/json',
      messageId: firstMessageId(incident.incident, playbook.name),
    }))
    await sendAll(client.createSender(configuration.queue.queue), messages)
    const result = { sent: messages.length, queue: configuration.queue.queue, playbook: playbook.name }
    process.stdout.write(
      options.json
        ? `${JSON.stringify({ ...result, messageIds: messages.map((message) => message.messageId) })}\n`
        : `${result.sent} ${result.sent === 1 ? 'incident is' : 'incidents are'} on the queue "${result.queue}" for ${result.playbook}.\n`,
    )
    return 0
  } finally {
    await closeClient(client)
  }
}

/** In batches as large as the queue takes. */
async function sendAll(sender: ServiceBusSender, messages: ServiceBusMessage[]): Promise<void> {
  let batch = await sender.createMessageBatch()
  for (const message of messages) {
    if (batch.tryAddMessage(message)) continue
    await sender.sendMessages(batch)
    batch = await sender.createMessageBatch()
    batch.tryAddMessage(message)
  }
  if (batch.count > 0) await sender.sendMessages(batch)
}

/** All incidents from arguments and file; every bad one is told at once, by line. */
function readIncidents(ids: string[], file: string | undefined): IncidentRef[] {
  const lines = file === undefined ? [] : readLines(file)
  const problems: string[] = []
  const incidents: IncidentRef[] = []
  const add = (text: string, where: string) => {
    const found = readOne(text)
    if (found) incidents.push(found)
    else problems.push(`${where} is not an incident's ARM id`)
  }
  ids.forEach((id, index) => {
    add(id, `argument ${index + 1}`)
  })
  lines.forEach((line, index) => {
    if (line.trim() !== '' && !line.startsWith('#')) add(line, `line ${index + 1} of ${file}`)
  })
  if (problems.length > 0) {
    const more = problems.length > 20 ? [`and ${problems.length - 20} more`] : []
    throw new UsageError(
      `Nothing was sent:\n${[...problems.slice(0, 20), ...more].map((one) => `  - ${one}`).join('\n')}`,
    )
  }
  if (incidents.length === 0)
    throw new UsageError('Name at least one incident, or a --file of them; see enricher enqueue --help.')
  return incidents
}

/** A line is an ARM id, or any message body of the contract. */
function readOne(text: string): IncidentRef | undefined {
  const plain = parseIncidentArmId(text)
  if (plain) return plain
  try {
    return decodeIncidentMessage(text)
  } catch {
    return undefined
  }
}

function readLines(file: string): string[] {
  try {
    return readFileSync(file === '-' ? 0 : file, 'utf8').split('\n')
  } catch {
    throw new UsageError(`The file ${file} cannot be read.`)
  }
}
