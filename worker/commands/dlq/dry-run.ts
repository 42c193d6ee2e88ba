import type { SelectedPlan } from '../../replay/select-and-plan.ts'
import { columnsOf } from '../terminal/paint.ts'
import { renderTable } from '../terminal/table.ts'
import { groupCells, groupColumns } from './group-table.ts'

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
      ...(groups.length > 0
        ? [
            '\n',
            renderTable(
              groupColumns,
              groups.map((group) => groupCells(group, now)),
              columnsOf(),
            ),
          ]
        : []),
      ...notes.map((note) => `${note}\n`),
    ].join(''),
  )
  return 0
}
