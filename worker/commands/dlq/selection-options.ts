import type { Command } from 'commander'
import { readSelection, type Selection, type SelectionOptions } from '../../replay/selection.ts'
import { UsageError } from '../explain-failure.ts'

/** The options that say which dead letters are meant; all that are given must fit. */
export function withSelection(command: Command): Command {
  return command
    .option('--reason <reason...>', 'dead-letter reason, such as AccessDenied')
    .option('--dependency <name...>', 'what failed: model, sentinel, state, …')
    .option('--error-code <code...>', "the failure's code, such as AuthorizationFailed")
    .option('--workspace <workspace...>', "the workspace's ARM id or name")
    .option('--incident <incident...>', "the incident's GUID or ARM id")
    .option('--sequence <number...>', 'sequence numbers of dead letters')
    .option('--before <time>', 'died before: an ISO time, or an age such as 2h')
    .option('--after <time>', 'died at or after: an ISO time, or an age such as 7d')
}

/** @throws UsageError */
export function selectionOf(options: SelectionOptions, now: number): Selection {
  try {
    return readSelection(options, now)
  } catch (error) {
    if (error instanceof RangeError) throw new UsageError(error.message)
    throw error
  }
}

/** A number from the command line. @throws UsageError */
export function numberOption(
  name: string,
  text: string | undefined,
  bounds: { min: number; whole?: boolean },
): number | undefined {
  if (text === undefined) return undefined
  const value = /^\d+(\.\d+)?$/.test(text.trim()) ? Number(text) : Number.NaN
  if (Number.isNaN(value) || value < bounds.min || (bounds.whole && !Number.isInteger(value))) {
    throw new UsageError(
      `${name} takes a ${bounds.whole ? 'whole ' : ''}number of at least ${bounds.min}, not ${text}.`,
    )
  }
  return value
}

/** `10`, `10/s` or `30/min`, as a number per second. @throws UsageError */
export function rateOption(text: string | undefined): number | undefined {
  const match = /^(\d+(?:\.\d+)?)\s*(?:\/\s*(s|sec|min|m))?$/i.exec(text?.trim() ?? '')
  if (text !== undefined && (!match || Number(match[1]) <= 0)) {
    throw new UsageError(`--rate takes a number per second, such as 10 or 10/s, or per minute (30/min), not ${text}.`)
  }
  return match ? Number(match[1]) / (match[2]?.toLowerCase().startsWith('m') ? 60 : 1) : undefined
}
