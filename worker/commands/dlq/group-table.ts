import type { DeadLetterGroup } from '../../replay/groups.ts'
import { harmless } from '../terminal/paint.ts'
import { ageOf, type Column } from '../terminal/table.ts'

/** The columns in which `list` and a dry run show groups of dead letters. */
export const groupColumns: Column[] = [
  { title: 'REASON', flexible: true },
  { title: 'FROM', flexible: true },
  { title: 'CODE', flexible: true },
  { title: 'COUNT', align: 'right' },
  { title: 'OLDEST', align: 'right' },
  { title: 'NEWEST', align: 'right' },
]

/** A group's row under `groupColumns`. */
export function groupCells(group: DeadLetterGroup, now: number): string[] {
  return [
    harmless(group.reason),
    harmless(group.dependency) || '-',
    harmless(group.errorCode) || '-',
    String(group.count),
    ageOf(group.oldest, now),
    ageOf(group.newest, now),
  ]
}
