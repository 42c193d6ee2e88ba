import type { MoveOutcome } from '../../replay/run-moves.ts'
import { columnsOf, harmless, paint, wrap } from '../terminal/paint.ts'
import { renderTable } from '../terminal/table.ts'

/** Everything there is to say about a finished run of replay or discard. */
export interface DlqReport {
  command: 'replay' | 'discard'
  queue: string
  outcome: MoveOutcome
  atCeiling: number
  maxReplays: number
  beyondLimit: number
  missing: string[]
  cameBack: number
  /** Of those moved: by the run that this one went on from. */
  before: number
  /** How many there were to move. */
  selected: number
  seconds: number
  /** Why it ended before everything was moved. */
  stopped: string | undefined
  /** The journal that waits for the same command; undefined when nothing is left to resume. */
  resume: string | undefined
}

/** 0 when everything that was selected is moved, 1 when some remain or failed. */
export function exitCodeOf(report: DlqReport): 0 | 1 {
  const { outcome, atCeiling, beyondLimit, missing, stopped } = report
  const left = outcome.remaining + outcome.failed.size + atCeiling + beyondLimit + missing.length
  return left > 0 || stopped !== undefined ? 1 : 0
}

export function reportAsJson(report: DlqReport): string {
  const { outcome, ...rest } = report
  return `${JSON.stringify({ ...rest, ...outcome, failed: Object.fromEntries(outcome.failed) })}\n`
}

export function reportAsText(report: DlqReport): string {
  const { outcome, command } = report
  const now = Math.max(0, outcome.moved - report.before)
  const rate = report.seconds > 0 ? Math.round(now / report.seconds) : 0
  const earlier = report.before > 0 ? `${report.before} of them before, ` : ''
  const nothing = report.selected + report.atCeiling + report.missing.length === 0
  const speed = nothing
    ? 'no dead letter fits'
    : now > 1
      ? `${earlier}${earlier ? `${now} ` : ''}in ${report.seconds.toFixed(1)} s (${rate}/s)`
      : ''
  const rows: string[][] = [[command === 'replay' ? 'moved' : 'discarded', String(outcome.moved), speed]]
  const skipped = (count: number, why: string) => count > 0 && rows.push(['skipped', String(count), why])
  skipped(report.atCeiling, `replayed ${report.maxReplays} times already; --max-replays raises the ceiling`)
  skipped(outcome.gone, 'somebody else took them meanwhile')
  skipped(report.missing.length, `not there: ${report.missing.slice(0, 5).join(', ')}`)
  skipped(report.beyondLimit, 'beyond --limit: they match, and wait for the next run')
  for (const [code, count] of outcome.failed)
    rows.push(['failed', String(count), `the queue refuses them: ${harmless(code)}`])
  const untouched = outcome.remaining - outcome.halfDone
  const half = command === 'replay' ? 'copy sent, original still there' : 'exported, original still there'
  if (outcome.halfDone > 0) rows.push(['left', String(outcome.halfDone), half])
  if (untouched > 0) {
    rows.push(['left', String(untouched), report.stopped ? 'not reached' : 'locked by somebody else'])
  }
  if (report.cameBack > 0) rows.push(['came back', String(report.cameBack), 'replayed, and dead again already'])
  const table = renderTable(
    [{ title: 'OUTCOME' }, { title: 'COUNT', align: 'right' }, { title: '', flexible: true }],
    rows,
    columnsOf(),
  )
  const notes = [
    ...(report.stopped ? [paint('yellow', wrap(report.stopped, columnsOf()))] : []),
    ...(report.resume ? [`Go on with the same command: ${report.resume}`] : []),
  ]
  return `${table}${notes.map((note) => `${note}\n`).join('')}`
}
