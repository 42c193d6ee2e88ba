import { resolve } from 'node:path'
import * as z from 'zod'
import { coversWorkspace, parseWorkspaceArmId, type WorkspaceRef, workspaceArmId } from '../../shared/arm-id.ts'
import { systemClock } from '../../shared/clock.ts'
import { firstMessageId } from '../../shared/message-envelope.ts'
import { findMissed, type Missed, openStatuses, severities } from '../backfill/find-missed.ts'
import { loadPlaybook, type Playbook } from '../playbooks/load-playbook.ts'
import { closeClient, openQueueClient } from '../pump/queue-connection.ts'
import type { Journal } from '../replay/journal.ts'
import { Pace } from '../replay/pace.ts'
import { readMoment } from '../replay/selection.ts'
import { numberOption, rateOption } from './dlq/selection-options.ts'
import { UsageError } from './explain-failure.ts'
import { type OperatorConfiguration, readOperatorConfiguration } from './operator-configuration.ts'
import { journalFileOf, resumeJournal, startJournal } from './operator-journal.ts'
import { openRuns, openSentinel } from './operator-parts.ts'
import { queueCredential } from './queue-credential.ts'
import { ownCommand } from './terminal/own-command.ts'
import { columnsOf } from './terminal/paint.ts'
import { startProgress } from './terminal/progress.ts'
import { renderTable } from './terminal/table.ts'
import { untilInterrupted } from './terminal/until-interrupted.ts'

export interface BackfillOptions {
  workspace?: string[]
  since: string
  until?: string
  severity?: string[]
  status?: string[]
  limit?: string
  rate?: string
  journal?: string
  dryRun?: boolean
  json?: boolean
}

/** One incident to enqueue; `sequence` is the journal's key for it. */
interface PlannedIncident {
  sequence: string
  id: string
}
const plannedSchema: z.ZodType<PlannedIncident> = z.object({ sequence: z.string(), id: z.string() })

const portion = 100

/** `enricher backfill`: enqueues the incidents that lack the tag. @returns the exit code */
export async function backfill(options: BackfillOptions): Promise<number> {
  const now = Date.now()
  const query = {
    since: momentOption('--since', options.since, now),
    until: options.until === undefined ? now : momentOption('--until', options.until, now),
    severities: wordsOption('--severity', options.severity, severities),
    statuses: wordsOption('--status', options.status, openStatuses),
  }
  if (query.since >= query.until)
    throw new UsageError('--since is not before --until: no incident can be between them.')
  const limit = numberOption('--limit', options.limit, { min: 1, whole: true })
  const ratePerSecond = rateOption(options.rate)
  const configuration = readOperatorConfiguration(process.env, { sentinel: true })
  const workspaces = workspacesOf(options.workspace, configuration)
  const playbook = loadPlaybook(configuration.playbookFile)
  const file = options.journal ? resolve(options.journal) : journalFile(options, configuration, workspaces, playbook)
  const interrupted = untilInterrupted()
  let journal = options.dryRun ? undefined : resumeJournal(file, plannedSchema)
  try {
    let found: Missed | undefined
    if (!journal) {
      found = await look(workspaces, query, configuration, playbook, interrupted.signal)
      if (!options.dryRun) {
        const incidents = found.incidents.slice(0, limit)
        const items = incidents.map((one) => ({ sequence: one.armId, id: firstMessageId(one.incident, playbook.name) }))
        journal = startJournal(file, items, now)
      }
    }
    if (journal) await enqueueAll(journal, configuration, ratePerSecond, interrupted.signal)
    return report(options, configuration.queue.queue, playbook.name, found, journal, limit)
  } catch (error) {
    if (!interrupted.signal.aborted || journal) throw error
    process.stderr.write('Interrupted while looking; nothing was sent.\n')
    return 1
  } finally {
    interrupted.stop()
    if (journal && journal.completed.size === journal.items.length) journal.end()
    else journal?.close()
  }
}

async function look(
  workspaces: WorkspaceRef[],
  query: Parameters<typeof findMissed>[1],
  configuration: OperatorConfiguration,
  playbook: Playbook,
  signal: AbortSignal,
): Promise<Missed> {
  const sentinel = openSentinel(configuration)
  const runs = configuration.knowsRuns ? openRuns(configuration) : undefined
  const all: Missed = { incidents: [], looked: 0, tagged: 0, running: 0 }
  try {
    for (const workspace of workspaces) {
      const onLooked = (count: number) => {
        if (process.stderr.isTTY)
          process.stderr.write(`\r\u001B[K${workspace.workspace}: ${all.looked + count} incidents seen`)
      }
      const found = await findMissed(workspace, query, {
        sentinel,
        runs,
        playbook,
        clock: systemClock,
        signal,
        onLooked,
      })
      all.incidents.push(...found.incidents)
      all.looked += found.looked
      all.tagged += found.tagged
      all.running += found.running
    }
  } finally {
    if (process.stderr.isTTY) process.stderr.write('\r\u001B[K')
    await runs?.close()
  }
  return all
}

/** Sends what the journal has not sent yet, at the rate. */
async function enqueueAll(
  journal: Journal<PlannedIncident>,
  configuration: OperatorConfiguration,
  ratePerSecond: number | undefined,
  signal: AbortSignal,
): Promise<void> {
  const left = journal.items.filter((item) => !journal.completed.has(item.sequence))
  if (left.length === 0) return
  const client = openQueueClient(configuration.queue, await queueCredential(configuration))
  const progress = startProgress('Enqueueing', journal.items.length, journal.completed.size)
  try {
    const sender = client.createSender(configuration.queue.queue)
    const pace = new Pace({ ratePerSecond, stepMs: 0, portion }, systemClock)
    while (left.length > 0 && !signal.aborted) {
      const count = await pace.next(left.length, signal)
      const some = left.splice(0, count)
      await sender.sendMessages(
        some.map((item) => ({ body: item.sequence, contentType: 'application/json', messageId: item.id })),
      )
      journal.record(
        'completed',
        some.map((item) => item.sequence),
      )
      progress.update(journal.completed.size)
    }
    progress.end()
  } catch (error) {
    progress.end()
    if (signal.aborted) return
    process.stderr.write(
      `${journal.completed.size} of ${journal.items.length} are sent. Go on with the same command: ${ownCommand()}\n`,
    )
    throw error
  } finally {
    await closeClient(client)
  }
}

function report(
  options: BackfillOptions,
  queue: string,
  playbook: string,
  found: Missed | undefined,
  journal: Journal<PlannedIncident> | undefined,
  limit: number | undefined,
): number {
  const planned = journal?.items.length ?? Math.min(found?.incidents.length ?? 0, limit ?? Number.POSITIVE_INFINITY)
  const sent = journal?.completed.size ?? 0
  const beyondLimit = Math.max(0, (found?.incidents.length ?? 0) - planned)
  const left = options.dryRun ? 0 : planned - sent
  const resume = left > 0 ? ownCommand() : undefined
  const code = left > 0 || (beyondLimit > 0 && !options.dryRun) ? 1 : 0
  const { looked, tagged, running } = found ?? { looked: undefined, tagged: 0, running: 0 }
  if (options.json) {
    const incidents = options.dryRun ? { incidents: found?.incidents.slice(0, limit).map((one) => one.armId) } : {}
    process.stdout.write(
      `${JSON.stringify({ queue, playbook, dryRun: options.dryRun ?? false, planned, sent, left, looked, tagged, running, beyondLimit, resume, ...incidents })}\n`,
    )
    return code
  }
  const rows: string[][] = [
    options.dryRun
      ? ['would be sent', String(planned), `to "${queue}" for ${playbook}; nothing was changed`]
      : ['sent', String(sent), `to "${queue}" for ${playbook}`],
  ]
  const row = (name: string, count: number, why: string) => count > 0 && rows.push([name, String(count), why])
  row('skipped', tagged, 'they have the tag')
  row('skipped', running, 'a worker is enriching them right now')
  row('skipped', beyondLimit, 'beyond --limit: they wait for the next run')
  row('left', left, 'not sent yet')
  if (looked !== undefined) rows.push(['looked at', String(looked), ''])
  const columns = [{ title: 'OUTCOME' }, { title: 'COUNT', align: 'right' as const }, { title: '', flexible: true }]
  process.stdout.write(renderTable(columns, rows, columnsOf()))
  if (resume) process.stdout.write(`Go on with the same command: ${resume}\n`)
  return code
}

/** The named workspaces, or all that SENTINEL_WORKSPACES names without a wildcard. */
function workspacesOf(named: string[] | undefined, { workspaces }: OperatorConfiguration): WorkspaceRef[] {
  if (!named) {
    const exact = workspaces.filter((one) => !workspaceArmId(one).includes('*'))
    if (exact.length === workspaces.length) return exact
    throw new UsageError(
      'SENTINEL_WORKSPACES has wildcards, which cannot be listed: name the workspaces with --workspace.',
    )
  }
  return named.map((text) => {
    const workspace = parseWorkspaceArmId(text)
    if (!workspace) throw new UsageError(`${text} is not a workspace's ARM id (/subscriptions/…/workspaces/…).`)
    if (!workspaces.some((entry) => coversWorkspace(entry, workspace))) {
      throw new UsageError(
        `SENTINEL_WORKSPACES does not list ${text}: the worker would dead-letter its incidents. Nothing was sent.`,
      )
    }
    return workspace
  })
}

function wordsOption(name: string, given: string[] | undefined, allowed: readonly string[]): readonly string[] {
  if (!given) return allowed
  return given
    .flatMap((text) => text.split(','))
    .map((text) => {
      const found = allowed.find((one) => one.toLowerCase() === text.trim().toLowerCase())
      if (!found) throw new UsageError(`${name} takes ${allowed.join(', ')}, not ${text}.`)
      return found
    })
}

function momentOption(name: string, text: string, now: number): number {
  try {
    return readMoment(text, now)
  } catch (error) {
    throw new UsageError(`${name}: ${(error as Error).message}`)
  }
}

function journalFile(
  options: BackfillOptions,
  configuration: OperatorConfiguration,
  workspaces: WorkspaceRef[],
  playbook: Playbook,
): string {
  const { since, until, severity, status, limit } = options
  const what = [playbook.name, workspaces.map(workspaceArmId), since, until, severity, status, limit]
  return journalFileOf('backfill', configuration.queue, what)
}
