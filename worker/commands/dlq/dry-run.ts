import type { SelectedPlan } from '../../replay/select-and-plan.ts'
import { columnsOf, harmless } from '../terminal/paint.ts'
import { ageOf, renderTable } from '../terminal/table.ts'

/** Shows what would move, and moves nothing. @returns 0 */
export function dryRun(command: 'replay' | 'discard', queue: string, plan: SelectedPlan, json: boolean): number {
  const { moves, grouping, atCeiling, beyondLimit, missing } = plan
  const groups = grouping.groups(50)
  if (json) {
    const skipped = { atCeiling: atCeiling.length, beyondLimit, missing }
    process.stdout.write(
      `${JSON.stringify({ command, dryRun: true, queue, wouldMove: moves.length, groups, moves, skipped })}\n`,
    )
    return 0
  }
  const now = Date.now()
  const verb = command === 'replay' ? 'would go back on' : 'would be exported and removed from'
  const rows = groups.map((group) => [
    harmless(group.reason),
    harmless(group.dependency) || '-',
    harmless(group.errorCode) || '-',
    String(group.count),
    ageOf(group.oldest, now),
    ageOf(group.newest, now),
  ])
  const columns = [
    { title: 'REASON', flexible: true },
    { title: 'FROM', flexible: true },
    { title: 'CODE', flexible: true },
    { title: 'COUNT', align: 'right' as const },
    { title: 'OLDEST', align: 'right' as const },
    { title: 'NEWEST', align: 'right' as const },
  ]
  const notes = [
    ...(atCeiling.length > 0
      ? [`${atCeiling.length} would be skipped: replayed too often already (--max-replays).`]
      : []),
    ...(beyondLimit > 0 ? [`${beyondLimit} more match, beyond --limit.`] : []),
    ...(missing.length > 0 ? [`Not there: ${missing.join(', ')}.`] : []),
  ]
  process.stdout.write(
    [
      `${moves.length} dead ${moves.length === 1 ? 'letter' : 'letters'} ${verb} "${queue}"; nothing was changed.\n`,
      ...(rows.length > 0 ? ['\n', renderTable(columns, rows, columnsOf())] : []),
      ...notes.map((note) => `${note}\n`),
    ].join(''),
  )
  return 0
}
