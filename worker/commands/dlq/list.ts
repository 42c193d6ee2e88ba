import { type DeadLetterGroup, Grouping } from '../../replay/groups.ts'
import { type SelectionOptions, selects } from '../../replay/selection.ts'
import { readDeadLetters } from '../../replay/survey.ts'
import { columnsOf, harmless, paint } from '../terminal/paint.ts'
import { renderTable } from '../terminal/table.ts'
import { groupCells, groupColumns } from './group-table.ts'
import { withDeadLetters } from './open.ts'
import { selectionOf } from './selection-options.ts'

const most = 50

/** `enricher dlq list`: what failed, in groups. @returns 0 when there is nothing, 1 when there is something */
export function dlqList(options: SelectionOptions & { json?: boolean }): Promise<number> {
  const now = Date.now()
  const selection = selectionOf(options, now)
  return withDeadLetters(async (queue) => {
    const grouping = new Grouping()
    await readDeadLetters(queue.pages(), (letter) => {
      if (selects(selection, letter)) grouping.add(letter)
    })
    const groups = grouping.groups(most)
    process.stdout.write(
      options.json ? asJson(queue.queue, grouping, groups) : asTable(queue.queue, grouping, groups, now),
    )
    return grouping.total === 0 ? 0 : 1
  })
}

function asJson(queue: string, { total, size }: Grouping, groups: DeadLetterGroup[]): string {
  const list = groups.map(({ oldest, newest, ...group }) => ({
    ...group,
    oldest: new Date(oldest).toISOString(),
    newest: new Date(newest).toISOString(),
  }))
  return `${JSON.stringify({ queue, total, groups: list, moreGroups: size - groups.length })}\n`
}

function asTable(queue: string, grouping: Grouping, groups: DeadLetterGroup[], now: number): string {
  if (grouping.total === 0) return `No dead letters in "${queue}".\n`
  const table = renderTable(
    [...groupColumns, { title: 'LOOK AT', align: 'right' }],
    groups.map((group) => [...groupCells(group, now), group.example]),
    columnsOf(),
  )
  const setAside = groups.reduce((sum, group) => sum + group.setAside, 0)
  const replayed = groups.reduce((sum, group) => sum + group.replayed, 0)
  const first = groups[0]
  const notes = [
    ...(grouping.size > groups.length
      ? [`and ${grouping.size - groups.length} smaller groups (--reason narrows)`]
      : []),
    ...(replayed > 0 ? [`${replayed} were replayed before and are dead again.`] : []),
    ...(setAside > 0
      ? [`${setAside} were set aside by a replay that was interrupted: run it again, or replay them anew.`]
      : []),
  ]
  const next = first
    ? [
        `Look at one:      enricher dlq show ${first.example}`,
        `Replay a group:   enricher dlq replay --reason ${quoted(first.reason)} --dry-run`,
      ]
    : []
  return [
    `${paint('bold', String(grouping.total))} dead ${grouping.total === 1 ? 'letter' : 'letters'} in "${queue}"\n\n`,
    table,
    ...notes.map((note) => `${note}\n`),
    '\n',
    ...next.map((line) => `${line}\n`),
  ].join('')
}

/** As a shell takes it. */
function quoted(text: string): string {
  return /^[\w.-]+$/.test(text) ? text : `'${harmless(text).replaceAll("'", "'\\''")}'`
}
