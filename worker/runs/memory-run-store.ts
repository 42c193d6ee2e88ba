import type { Clock } from '../../shared/clock.ts'
import { Failure } from '../../shared/failure.ts'
import {
  type ClaimResult,
  claimLeaseMs,
  meanOf,
  type Run,
  type RunProgress,
  type RunStore,
  type RunTotals,
  totalsOf,
} from './run-store.ts'

interface Row {
  playbookVersion: number
  messageSequence: string
  /** 0 when nobody holds it. */
  leaseUntil: number
  version: number
  progress: RunProgress
}

/** Finished runs leave the memory; unfinished ones of incidents that never came back leave when this many are newer. */
const maxRows = 10_000
const maxFinished = 100

/** The record of runs inside this process: for one replica, and nothing survives a restart. */
export function createMemoryRunStore(clock: Clock): RunStore {
  const rows = new Map<string, Row>()
  /** The latest finished runs of each playbook. */
  const finished = new Map<string, RunTotals[]>()

  /** The row if the run is still its owner's. */
  const owned = (run: Run): Row => {
    const row = rows.get(keyOf(run))
    if (!row || String(row.version) !== run.version) throw claimLost()
    return row
  }
  const write = (run: Run, row: Row, progress: RunProgress) => {
    row.version++
    row.progress = copyOf(progress)
    row.leaseUntil = clock.now() + claimLeaseMs
    run.version = String(row.version)
  }

  return {
    async claim(claim): Promise<ClaimResult> {
      const key = `${claim.incident.key}|${claim.playbook}`
      const known = rows.get(key)
      if (known && known.leaseUntil > clock.now() && known.messageSequence !== claim.messageSequence) {
        return { busyUntil: known.leaseUntil }
      }
      const progress = known?.playbookVersion === claim.playbookVersion ? known.progress : emptyProgress()
      const row: Row = {
        playbookVersion: claim.playbookVersion,
        messageSequence: claim.messageSequence,
        leaseUntil: clock.now() + claimLeaseMs,
        version: (known?.version ?? 0) + 1,
        progress,
      }
      rows.delete(key)
      rows.set(key, row)
      const oldest = rows.keys().next().value
      if (rows.size > maxRows && oldest !== undefined) rows.delete(oldest)
      const takenOver = known !== undefined && known.leaseUntil > clock.now()
      return {
        claimed: { claim, ...copyOf(progress), takenOver, claimId: crypto.randomUUID(), version: String(row.version) },
      }
    },
    async checkpoint(run, progress) {
      write(run, owned(run), progress)
    },
    async extend(run) {
      const row = owned(run)
      write(run, row, row.progress)
    },
    async finish(run, progress) {
      owned(run)
      rows.delete(keyOf(run))
      const { playbook } = run.claim
      finished.set(playbook, [totalsOf(progress), ...(finished.get(playbook) ?? [])].slice(0, maxFinished))
    },
    async release(run, progress) {
      const row = rows.get(keyOf(run))
      if (!row || String(row.version) !== run.version) return
      write(run, row, progress)
      row.leaseUntil = 0
    },
    async heldUntil(incident, playbook) {
      const until = rows.get(`${incident.key}|${playbook}`)?.leaseUntil ?? 0
      return until > clock.now() ? until : undefined
    },
    async pastRuns(playbook) {
      return meanOf(finished.get(playbook) ?? [])
    },
    async close() {
      rows.clear()
    },
  }
}

const keyOf = (run: Run) => `${run.claim.incident.key}|${run.claim.playbook}`

export function emptyProgress(): RunProgress {
  return { answers: new Map(), spentTokens: 0, calls: 0 }
}

function copyOf(progress: RunProgress): RunProgress {
  return { answers: new Map(progress.answers), spentTokens: progress.spentTokens, calls: progress.calls }
}

export function claimLost(): Failure {
  return new Failure('Another worker took this incident over; this one stops.', {
    kind: 'interrupted',
    dependency: 'state',
    code: 'ClaimLost',
  })
}
