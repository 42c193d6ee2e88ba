import { cpus, loadavg } from 'node:os'
import type { Goal, Section } from './section.ts'

/** How a run went, for the head of the report. */
export interface RunFacts {
  startedAt: Date
  seconds: number
  quick: boolean
  commit: string
  /** Runnable processes, a one-minute mean, before the run began: what else the machine was doing. */
  loadBefore: number
}

/** The report as markdown: goals first, then each measurement's table and notes, then what was written by hand about profiles. */
export function writeReport(sections: readonly Section[], facts: RunFacts, remarks: string): string {
  const goals = sections.flatMap((section) => section.goals)
  const missed = goals.filter(({ met }) => !met).length
  return [
    '# Results of `npm run bench`',
    '',
    `${facts.startedAt.toISOString().slice(0, 16).replace('T', ' ')} UTC, commit ${facts.commit}, ${(facts.seconds / 60).toFixed(1)} minutes${facts.quick ? ', **the quick form: not to be quoted**' : ''}.`,
    `${cpus().length} cores (${cpus()[0]?.model.trim() ?? 'unknown'}), Node ${process.versions.node}; load ${facts.loadBefore.toFixed(1)} before the run, ${(loadavg()[0] ?? 0).toFixed(1)} at its end (its own processes included).`,
    'Everything runs on loopback against the embedded stack, side by side in one run. Values are medians of the rounds, with the least and the most in brackets.',
    '',
    '## Goals',
    '',
    goals.length === 0 ? 'None was measured in this run.' : `${goals.length - missed} of ${goals.length} met.`,
    '',
    ...(goals.length === 0 ? [] : [...table(['goal', 'measured', ''], goals.map(goalRow)), '']),
    ...sections.flatMap((section) => [
      `## ${section.title}`,
      '',
      ...table(section.columns, section.rows),
      '',
      ...section.notes.flatMap((note) => [note, '']),
    ]),
    remarks.trim(),
    '',
  ].join('\n')
}

/** For the terminal: the same table of goals. */
export function goalLines(sections: readonly Section[]): string {
  const rows = sections.flatMap((section) => section.goals.map(goalRow))
  return [...table(['goal', 'measured', ''], rows), ''].join('\n')
}

function goalRow({ goal, measured, met, missedBy }: Goal): string[] {
  return [goal, measured, met ? 'met' : `**missed by ${missedBy}**`]
}

/** A markdown table whose columns line up in plain text, numbers to the right. */
function table(columns: readonly string[], rows: readonly string[][]): string[] {
  const widths = columns.map((column, index) =>
    Math.max(3, column.length, ...rows.map((row) => row[index]?.length ?? 0)),
  )
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell, index) => cell.padEnd(widths[index] ?? 0)).join(' | ')} |`
  return [line(columns), `|${widths.map((width) => '-'.repeat(width + 2)).join('|')}|`, ...rows.map(line)]
}
