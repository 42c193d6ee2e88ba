import { resolve } from 'node:path'
import * as z from 'zod'
import { systemClock } from '../../../shared/clock.ts'
import { replayMessageId } from '../../../shared/message-envelope.ts'
import { ComeBackWatch } from '../../replay/come-back-watch.ts'
import type { DeadLetterQueue } from '../../replay/dead-letter-queue.ts'
import { ExportExistsError, ExportFile } from '../../replay/export-letters.ts'
import type { Journal } from '../../replay/journal.ts'
import type { FirstHalf } from '../../replay/move.ts'
import type { PlannedMove } from '../../replay/plan.ts'
import { type MoveOutcome, runMoves } from '../../replay/run-moves.ts'
import { type SelectedPlan, selectAndPlan } from '../../replay/select-and-plan.ts'
import { type SelectionOptions, selectsAll } from '../../replay/selection.ts'
import { sendCopies } from '../../replay/send-copies.ts'
import { readDeadLetters, surveyWanted } from '../../replay/survey.ts'
import { UsageError } from '../explain-failure.ts'
import type { OperatorConfiguration } from '../operator-configuration.ts'
import { journalFileOf, resumeJournal, startJournal } from '../operator-journal.ts'
import { confirm } from '../terminal/ask.ts'
import { ownCommand } from '../terminal/own-command.ts'
import { tell } from '../terminal/paint.ts'
import { startProgress } from '../terminal/progress.ts'
import { untilInterrupted } from '../terminal/until-interrupted.ts'
import { dryRun } from './dry-run.ts'
import { withDeadLetters } from './open.ts'
import { type DlqReport, exitCodeOf, reportAsJson, reportAsText } from './outcome.ts'
import { numberOption, rateOption, selectionOf } from './selection-options.ts'

export interface MoveOptions extends SelectionOptions {
  limit?: string
  rate?: string
  /** Seconds per step; false with `--no-ramp`. */
  ramp?: string | boolean
  maxReplays?: string
  export?: string
  journal?: string
  dryRun?: boolean
  yes?: boolean
  json?: boolean
}

const defaultMaxReplays = 5
/** Long enough that a wrong start shows, short enough that a large replay is not held up: nine steps take two seconds. */
const defaultStepMs = 250
const portion = 250
const watchEveryMs = 1_000

const moveSchema: z.ZodType<PlannedMove> = z.object({
  sequence: z.string(),
  id: z.string(),
  origin: z.string(),
  replays: z.number(),
})

/** `enricher dlq replay`: puts the selected dead letters back on the queue. @returns the exit code */
export function dlqReplay(options: MoveOptions): Promise<number> {
  return moveCommand('replay', options)
}

/** `enricher dlq discard`: exports the selected dead letters and then completes them. @returns the exit code */
export function dlqDiscard(options: MoveOptions): Promise<number> {
  if (!options.export && !options.dryRun) {
    throw new UsageError(
      'Name a file with --export: what is discarded is written there first, so that it can be enqueued again.',
    )
  }
  return moveCommand('discard', options)
}

async function moveCommand(command: 'replay' | 'discard', options: MoveOptions): Promise<number> {
  const now = Date.now()
  const selection = selectionOf(options, now)
  const limits = {
    limit: numberOption('--limit', options.limit, { min: 1, whole: true }),
    // Discarding is the way out for what was replayed too often.
    maxReplays:
      command === 'discard'
        ? Number.POSITIVE_INFINITY
        : (numberOption('--max-replays', options.maxReplays, { min: 1, whole: true }) ?? defaultMaxReplays),
  }
  const pace = { ratePerSecond: rateOption(options.rate), stepMs: stepMsOf(options.ramp), portion }
  return withDeadLetters(async (queue, configuration) => {
    const file = options.journal ? resolve(options.journal) : journalFile(command, options, configuration)
    let journal = options.dryRun ? undefined : resumeJournal(file, moveSchema)
    if (journal && (await nothingLeft(queue, journal))) {
      journal.end()
      journal = undefined
    }
    let plan: SelectedPlan | undefined
    if (!journal) {
      plan = await selectAndPlan(queue, selection, limits)
      if (options.dryRun) return dryRun(command, queue.queue, plan, options.json ?? false)
    }
    let exported: ExportFile | undefined
    const count = journal ? journal.items.length - journal.completed.size : (plan?.moves.length ?? 0)
    const report = (outcome: MoveOutcome, more: Partial<DlqReport> = {}): number => {
      const whole: DlqReport = {
        command,
        queue: queue.queue,
        outcome,
        atCeiling: plan?.atCeiling.length ?? 0,
        maxReplays: limits.maxReplays,
        beyondLimit: plan?.beyondLimit ?? 0,
        missing: plan?.missing ?? [],
        cameBack: 0,
        before: 0,
        selected: count,
        seconds: 0,
        stopped: undefined,
        resume: undefined,
        ...more,
      }
      process.stdout.write(options.json ? reportAsJson(whole) : reportAsText(whole))
      return exitCodeOf(whole)
    }
    try {
      if (count === 0) return report({ moved: 0, gone: 0, remaining: 0, halfDone: 0, failed: new Map() })
      if (!options.yes) {
        const what = journal ? `go on with the run of ${journal.head.startedAt}: ` : ''
        const which = selectsAll(selection) ? 'all ' : ''
        const question =
          command === 'replay'
            ? `${what}put ${which}${letters(count)} back on "${queue.queue}"?`
            : `${what}export ${which}${letters(count)} to ${options.export} and remove them from "${queue.queue}" for good?`
        if (command === 'replay') {
          const { expectedCost, sayCost } = await import('./expected-cost.ts')
          tell(sayCost(await expectedCost(configuration, count)))
        }
        if (!(await confirm(question.charAt(0).toUpperCase() + question.slice(1)))) {
          process.stderr.write('Nothing was moved.\n')
          return 1
        }
      }
      // Before the journal: a run that is refused here must not look like one that was interrupted.
      if (command === 'discard') exported = openExport(options.export ?? '', journal !== undefined)
      journal ??= startJournal(file, plan?.moves ?? [], now)
      return await runJournal(command, exported, queue, journal, plan, pace, report)
    } finally {
      exported?.close()
      journal?.close()
    }
  })
}

/** Moves what the journal plans, shows how far it is, and says how it ended. */
async function runJournal(
  command: 'replay' | 'discard',
  exported: ExportFile | undefined,
  queue: DeadLetterQueue,
  journal: Journal<PlannedMove>,
  plan: SelectedPlan | undefined,
  pace: { ratePerSecond: number | undefined; stepMs: number; portion: number },
  report: (outcome: MoveOutcome, more: Partial<DlqReport>) => number,
): Promise<number> {
  const interrupted = untilInterrupted()
  const startedAt = performance.now()
  const total = journal.items.length
  const before = journal.completed.size
  const progress = startProgress(command === 'replay' ? 'Replaying' : 'Discarding', total, before)
  const watch = new ComeBackWatch()
  const first: FirstHalf<PlannedMove> = async (batch, done) => {
    if (!exported) {
      const copied = batch.map(({ item, message }) => ({ move: item, message }))
      return await sendCopies(copied, queue.sender, systemClock, interrupted.signal, done)
    }
    exported.write(batch.map(({ message }) => message))
    done(batch.map(({ item }) => item.sequence))
    return new Map()
  }
  for (const item of journal.items) if (journal.sent.has(item.sequence)) watch.moved(item.id)
  const look =
    command === 'replay' ? lookForReturns(queue, watch, plan?.cutoff ?? lastPlanned(journal)) : async () => undefined
  const looking = setInterval(() => void look(), watchEveryMs)
  const finish = (outcome: MoveOutcome, stopped: string | undefined) => {
    const waits = outcome.remaining > 0 || stopped !== undefined
    if (waits) journal.close()
    else journal.end()
    return report(outcome, {
      cameBack: watch.cameBack,
      before,
      seconds: (performance.now() - startedAt) / 1000,
      stopped,
      resume: waits ? ownCommand() : undefined,
    })
  }
  try {
    const outcome = await runMoves({
      queue,
      journal,
      survey: plan?.survey,
      pace,
      first,
      onPortion: (moved) => {
        for (const item of moved) watch.moved(item.id)
        progress.update(journal.completed.size)
        return watch.verdict !== undefined
      },
      clock: systemClock,
      signal: interrupted.signal,
    })
    progress.end()
    await look()
    const { verdict } = watch
    const left = outcome.remaining > 0
    const stopped =
      verdict && left
        ? `Stopped: ${verdict.cameBack} of the first ${verdict.of} are dead again, mostly as ${verdict.mostly}. Mend that first.`
        : interrupted.signal.aborted && left
          ? 'Interrupted; nothing is lost and nothing is half-way that the journal does not know.'
          : undefined
    return finish(outcome, stopped)
  } catch (error) {
    progress.end()
    process.stderr.write(
      `The run ended early; ${journal.completed.size} of ${total} are done. Go on with the same command: ${ownCommand()}\n`,
    )
    throw error
  } finally {
    clearInterval(looking)
    interrupted.stop()
  }
}

/** Looks at what died since the run began; each look goes on where the one before ended. */
function lookForReturns(queue: DeadLetterQueue, watch: ComeBackWatch, after: string): () => Promise<void> {
  let last = after
  let looking: Promise<void> | undefined
  const look = async () => {
    await readDeadLetters(queue.pages((BigInt(last) + 1n).toString()), (letter) => {
      last = letter.sequence
      if (letter.replays > 0) watch.seen(replayMessageId(letter.origin, letter.replays), letter.reason)
    })
  }
  return () => {
    // A queue that cannot be looked at is the mover's to report.
    looking ??= look()
      .catch(() => undefined)
      .finally(() => {
        looking = undefined
      })
    return looking
  }
}

function lastPlanned(journal: Journal<PlannedMove>): string {
  return journal.items.at(-1)?.sequence ?? '0'
}

/** Whether an interrupted run's dead letters are all gone: then the command begins anew. */
async function nothingLeft(queue: DeadLetterQueue, journal: Journal<PlannedMove>): Promise<boolean> {
  const { active, deferred } = await surveyWanted(queue.pages(), new Set(journal.items.map((item) => item.sequence)))
  return active.length + deferred.length === 0
}

function openExport(file: string, resumed: boolean): ExportFile {
  try {
    return new ExportFile(file, resumed)
  } catch (error) {
    if (error instanceof ExportExistsError) throw new UsageError(error.message)
    throw new UsageError(`The file ${file} cannot be written.`)
  }
}

/** What is selected and how; the rate may change when a run is resumed. */
function journalFile(command: string, options: MoveOptions, configuration: OperatorConfiguration): string {
  const changeable = new Set(['rate', 'ramp', 'yes', 'json', 'dryRun', 'journal'])
  const what = Object.entries(options).filter(([name]) => !changeable.has(name))
  return journalFileOf(command, configuration.queue, what.sort())
}

function stepMsOf(ramp: string | boolean | undefined): number {
  if (ramp === false) return 0
  const seconds = numberOption('--ramp', typeof ramp === 'string' ? ramp : undefined, { min: 0 })
  return seconds === undefined ? defaultStepMs : seconds * 1000
}

function letters(count: number): string {
  return count === 1 ? '1 dead letter' : `${count} dead letters`
}
