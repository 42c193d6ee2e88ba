import type { IncidentRef } from '../../shared/arm-id.ts'
import type { AttackSign } from '../untrusted/incident-guard.ts'

/** A paid answer, as it is kept: enough to go on with the conversation and to account for it. */
export interface StoredAnswer {
  text: string
  promptTokens: number
  completionTokens: number
  cachedTokens: number
  /** What the provider noticed in its prompt (Azure's Prompt Shields). */
  attackSigns?: AttackSign[] | undefined
}

export interface RunClaim {
  incident: IncidentRef
  playbook: string
  playbookVersion: number
  /**
   * The message's place in the queue. Peek-lock gives a message to one receiver at a time, so who holds the same message
   * may take the claim over at once: the owner before has lost its lock.
   */
  messageSequence: string
  /** This process and slot, for the log. */
  owner: string
}

/** A claimed run. Its answers come from earlier, interrupted attempts. */
export interface Run {
  claim: RunClaim
  answers: Map<string, StoredAnswer>
  /** Tokens that the provider charged for this incident so far, answers that were lost included. */
  spentTokens: number
  calls: number
  /** The owner before may still be alive, and not know yet that it was given up. */
  takenOver: boolean
  /** Tells this claim from every other of the same run. */
  claimId: string
  /** The store's own: what it must present to write again. */
  version: string
}

export type ClaimResult = { claimed: Run } | { busyUntil: number }

/** What a run has paid so far. */
export interface RunProgress {
  answers: Map<string, StoredAnswer>
  spentTokens: number
  calls: number
}

/**
 * The record of runs: a row per incident and playbook. It makes a conversation crash-safe: a claim has a lease, each paid
 * answer is checkpointed before anything is built on it, and every write presents the version that was read, so an owner
 * that was given up is found out at its next write.
 *
 * Every method throws a Failure of kind `outage` when the store cannot be reached, and `interrupted` (code `ClaimLost`)
 * when another owner took the run over.
 */
export interface RunStore {
  /** Takes the run, or says until when another owner has it. */
  claim(claim: RunClaim, signal: AbortSignal): Promise<ClaimResult>
  /** Saves what was paid; also extends the lease. */
  checkpoint(run: Run, progress: RunProgress, signal: AbortSignal): Promise<void>
  /** Extends the lease. */
  extend(run: Run, signal: AbortSignal): Promise<void>
  /** The incident has its tasks and tag: keeps the totals, drops the answers. */
  finish(run: Run, progress: RunProgress, signal: AbortSignal): Promise<void>
  /** Gives the claim back and keeps answers and totals for whoever comes next. Never throws: the lease ends anyway. */
  release(run: Run, progress: RunProgress): Promise<void>
  /** Until when somebody holds the run, in milliseconds since the epoch; undefined when nobody does. */
  heldUntil(incident: IncidentRef, playbook: string, signal: AbortSignal): Promise<number | undefined>
  /** What finished runs of a playbook took; a large record is looked at in part. */
  pastRuns(playbook: string, signal: AbortSignal): Promise<PastRuns>
  close(): Promise<void>
}

/** Means over finished runs; all 0 when there are none. */
export interface PastRuns {
  runs: number
  /** Charged per run, lost answers included. */
  meanTokens: number
  /** Of the answers that were kept. */
  meanPromptTokens: number
  meanCompletionTokens: number
}

/** One finished run's tokens. */
export interface RunTotals {
  spentTokens: number
  promptTokens: number
  completionTokens: number
}

export function totalsOf(progress: RunProgress): RunTotals {
  const totals = { spentTokens: progress.spentTokens, promptTokens: 0, completionTokens: 0 }
  for (const answer of progress.answers.values()) {
    totals.promptTokens += answer.promptTokens
    totals.completionTokens += answer.completionTokens
  }
  return totals
}

/** Runs that asked nothing (everything was there already) say nothing about what a run takes. */
export function meanOf(runs: readonly RunTotals[]): PastRuns {
  const asked = runs.filter((run) => run.spentTokens > 0)
  const mean = (value: (run: RunTotals) => number) =>
    asked.length === 0 ? 0 : asked.reduce((sum, run) => sum + value(run), 0) / asked.length
  return {
    runs: asked.length,
    meanTokens: mean((run) => run.spentTokens),
    meanPromptTokens: mean((run) => run.promptTokens),
    meanCompletionTokens: mean((run) => run.completionTokens),
  }
}

/** A claim that nobody extends is free after this long. Only another message of the same incident has to wait for it. */
export const claimLeaseMs = 60_000
