import { parseIncidentArmId, parseWorkspaceArmId, type WorkspaceRef, workspaceArmId } from '../../shared/arm-id.ts'
import type { DeadLetter } from './dead-letter.ts'

/** Which dead letters are meant. What is left out fits all; every member that is there must fit. */
export interface Selection {
  /** Any of these, in any case. */
  reasons?: string[]
  dependencies?: string[]
  errorCodes?: string[]
  /** A workspace's ARM id, or its bare name; lower case. */
  workspaces?: string[]
  /** GUIDs, or ARM ids, lower case. */
  incidents?: string[]
  /** Decimal text. */
  sequences?: string[]
  /** Died before, and at or after: milliseconds since the epoch. */
  before?: number
  after?: number
}

/** What the command line says, as text. */
export interface SelectionOptions {
  reason?: string[]
  dependency?: string[]
  errorCode?: string[]
  workspace?: string[]
  incident?: string[]
  sequence?: string[]
  before?: string
  after?: string
}

/** @throws RangeError with a sentence for the person who typed it */
export function readSelection(options: SelectionOptions, now: number): Selection {
  const selection: Selection = {}
  const lower = (values: string[] | undefined) => values?.map((value) => value.trim().toLowerCase())
  if (options.reason) selection.reasons = lower(options.reason) ?? []
  if (options.dependency) selection.dependencies = lower(options.dependency) ?? []
  if (options.errorCode) selection.errorCodes = lower(options.errorCode) ?? []
  if (options.workspace) selection.workspaces = options.workspace.map(workspaceText)
  if (options.incident) selection.incidents = options.incident.map(incidentText)
  if (options.sequence) selection.sequences = options.sequence.flatMap((text) => text.split(',')).map(sequenceText)
  if (options.before !== undefined) selection.before = readMoment(options.before, now)
  if (options.after !== undefined) selection.after = readMoment(options.after, now)
  const { before = Number.POSITIVE_INFINITY, after = Number.NEGATIVE_INFINITY } = selection
  if (after >= before) throw new RangeError('--after is not before --before: no dead letter can be between them.')
  return selection
}

export function selects(selection: Selection, letter: DeadLetter): boolean {
  const { reasons, dependencies, errorCodes, workspaces, incidents, sequences, before, after } = selection
  const among = (list: string[] | undefined, value: string) => !list || list.includes(value.toLowerCase())
  return (
    (!sequences || sequences.includes(letter.sequence)) &&
    among(reasons, letter.reason) &&
    among(dependencies, letter.dependency) &&
    among(errorCodes, letter.errorCode) &&
    (!workspaces || fitsWorkspace(workspaces, letter.workspace)) &&
    (!incidents || fitsIncident(incidents, letter)) &&
    (before === undefined || letter.failedAt < before) &&
    (after === undefined || letter.failedAt >= after)
  )
}

/** Whether nothing narrows it. */
export function selectsAll(selection: Selection): boolean {
  return Object.keys(selection).length === 0
}

function fitsWorkspace(wanted: string[], workspace: string | undefined): boolean {
  if (workspace === undefined) return false
  const whole = workspace.toLowerCase()
  return wanted.some((one) => one === whole || whole.endsWith(`/${one}`))
}

function fitsIncident(wanted: string[], { incident, workspace }: DeadLetter): boolean {
  if (incident === undefined || workspace === undefined) return false
  const whole = `${workspace}/providers/microsoft.securityinsights/incidents/${incident}`.toLowerCase()
  return wanted.some((one) => one === incident || one === whole)
}

function workspaceText(text: string): string {
  const workspace: WorkspaceRef | undefined = parseWorkspaceArmId(text)
  if (workspace) return workspaceArmId(workspace).toLowerCase()
  if (/^[\w-]+$/.test(text.trim())) return text.trim().toLowerCase()
  throw new RangeError(`${text} is neither a workspace's ARM id nor its name.`)
}

function incidentText(text: string): string {
  const incident = parseIncidentArmId(text)
  if (incident) return incident.key
  if (/^[\w-]{1,128}$/.test(text.trim())) return text.trim().toLowerCase()
  throw new RangeError(`${text} is neither an incident's GUID nor its ARM id.`)
}

function sequenceText(text: string): string {
  if (/^\d{1,19}$/.test(text.trim())) return BigInt(text.trim()).toString()
  throw new RangeError(`${text} is not a sequence number; enricher dlq list --json and dlq show tell them.`)
}

const units: Record<string, number> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 }

/** `90m`, `24h`, `7d`: that long; undefined for anything else. */
export function readDuration(text: string): number | undefined {
  const match = /^(\d+(?:\.\d+)?)\s*([smhdw])$/i.exec(text.trim())
  return match ? Number(match[1]) * (units[match[2]?.toLowerCase() ?? ''] ?? 0) : undefined
}

/** `2h` is two hours ago; else an ISO time, UTC where it names no zone. @throws RangeError */
export function readMoment(text: string, now: number): number {
  const duration = readDuration(text)
  if (duration !== undefined) return now - duration
  const iso = /^\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?(Z|[+-]\d{2}:?\d{2})?)?$/i.exec(text.trim())
  const zoned = iso && (iso[1] || text.trim().length === 10) ? text.trim() : `${text.trim()}Z`
  const at = iso ? Date.parse(zoned.replace(' ', 'T')) : Number.NaN
  if (Number.isNaN(at)) throw new RangeError(`${text} is neither a time (2026-03-01T08:00Z) nor an age (90m, 24h, 7d).`)
  return at
}
