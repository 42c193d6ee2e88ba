import { createHash } from 'node:crypto'
import { odata, type TableClient } from '@azure/data-tables'
import * as z from 'zod'
import { workspaceArmId } from '../../shared/arm-id.ts'
import type { Clock } from '../../shared/clock.ts'
import { Failure } from '../../shared/failure.ts'
import type { CallDependency } from '../recovery/immediate-retry.ts'
import { claimLost, emptyProgress } from './memory-run-store.ts'
import { progressProperties, readProgress } from './progress-properties.ts'
import {
  type ClaimResult,
  claimLeaseMs,
  meanOf,
  type Run,
  type RunClaim,
  type RunStore,
  type RunTotals,
  totalsOf,
} from './run-store.ts'
import { codeOf, statusOf, withTable } from './table-call.ts'

export const runsTable = 'EnricherRuns'

const maxClaimTries = 8
const releaseWithinMs = 3_000
const releaseAgainMs = 2_000

/** What every write carries: until when the run is its owner's, and which write this is. */
interface Lease extends Record<string, unknown> {
  leaseUntil: number
  writeId: string
}

/**
 * The record of runs in Azure Table Storage: the partition is the workspace and incident, the row the playbook, and every
 * write after the insert goes under the ETag that was read.
 */
export function createTableRunStore(parts: { table: TableClient; call: CallDependency; clock: Clock }): RunStore {
  const { clock } = parts
  const closing = new AbortController()

  /** Kept, the claim would hold the incident's next message back for the whole lease after the store is there again. */
  async function releaseLater(giveBack: () => Promise<void>, givenUpAt: number): Promise<void> {
    while (clock.now() < givenUpAt) {
      await clock.sleep(releaseAgainMs, closing.signal)
      try {
        return await giveBack()
      } catch (error) {
        if (!isOutage(error)) return
      }
    }
  }

  const once = withTable(parts.table, parts.call)

  /** Side by side, two writes of one run would present the same version, and the second would look like a lost claim. */
  const writing = new WeakMap<Run, Promise<unknown>>()
  function write(run: Run, properties: Lease, signal: AbortSignal, mode: 'Merge' | 'Replace' = 'Merge'): Promise<void> {
    const before = writing.get(run) ?? Promise.resolve()
    const written = before.catch(() => undefined).then(() => writeNow(run, properties, signal, mode))
    writing.set(run, written)
    return written
  }

  /** Writes the row under the run's version. */
  async function writeNow(run: Run, properties: Lease, signal: AbortSignal, mode: 'Merge' | 'Replace'): Promise<void> {
    const entity = { ...keysOf(run.claim), ...properties }
    run.version = await once(signal, 'writing the run record', async (table) => {
      let version = run.version
      for (let tries = 0; tries < maxClaimTries; tries++) {
        try {
          const answer = await table.updateEntity(entity, mode, { etag: version, abortSignal: signal })
          return answer.etag ?? ''
        } catch (error) {
          if (statusOf(error) !== 412 && statusOf(error) !== 404) throw error
        }
        // A write whose answer was lost, this one or one before, moves the version too: then the row is still this claim's.
        const row = await readHolder(table, entity, signal)
        if (row?.claimId !== run.claimId) throw claimLost()
        if (row.writeId === properties.writeId) return row.etag
        version = row.etag
      }
      throw claimLost()
    })
  }

  /** Gives back a claim that may have been made although its answer never came. */
  async function giveBackIfMade(claim: RunClaim, claimId: string): Promise<void> {
    const signal = AbortSignal.timeout(releaseWithinMs)
    await once(signal, 'giving a claim back', async (table) => {
      const keys = keysOf(claim)
      const row = await readHolder(table, keys, signal)
      if (row?.claimId !== claimId || row.state !== 'claimed') return
      await table
        .updateEntity({ ...keys, ...givenBack() }, 'Merge', { etag: row.etag, abortSignal: signal })
        .catch((error) => {
          if (statusOf(error) !== 412 && statusOf(error) !== 404) throw error
        })
    })
  }

  const leaseOf = (): Lease => ({ leaseUntil: clock.now() + claimLeaseMs, writeId: crypto.randomUUID() })
  const givenBack = () => ({ leaseUntil: 0, writeId: crypto.randomUUID(), state: 'released' })

  return {
    async claim(claim, signal): Promise<ClaimResult> {
      const claimId = crypto.randomUUID()
      const givenUpAt = clock.now() + claimLeaseMs
      const claimed = once(signal, 'claiming the run', async (table): Promise<ClaimResult> => {
        const fresh = { ...keysOf(claim), ...claimProperties(claim), ...leaseOf(), claimId, state: 'claimed' }
        try {
          const { etag } = await table.createEntity(
            { ...fresh, ...progressProperties(emptyProgress(), emptyProgress()) },
            { abortSignal: signal },
          )
          return { claimed: { claim, ...emptyProgress(), takenOver: false, claimId, version: etag ?? '' } }
        } catch (error) {
          if (statusOf(error) !== 409) throw error
        }
        for (let tries = 0; tries < maxClaimTries; tries++) {
          const row = await table.getEntity(fresh.partitionKey, fresh.rowKey, { abortSignal: signal })
          const known = rowSchema.parse(row)
          const free = known.state !== 'claimed' || known.leaseUntil <= clock.now()
          if (!free && known.messageSequence !== claim.messageSequence) return { busyUntil: known.leaseUntil }
          const resumes = known.state !== 'done' && known.playbookVersion === claim.playbookVersion
          const progress = resumes ? readProgress(row, known) : emptyProgress()
          try {
            const { etag } = await table.updateEntity(
              { ...fresh, ...progressProperties(progress, emptyProgress()) },
              'Replace',
              {
                etag: known.etag,
                abortSignal: signal,
              },
            )
            return { claimed: { claim, ...progress, takenOver: !free, claimId, version: etag ?? '' } }
          } catch (error) {
            if (statusOf(error) !== 412) throw error
          }
        }
        return { busyUntil: clock.now() + claimLeaseMs }
      })
      return await claimed.catch((error: unknown) => {
        if (isOutage(error)) void releaseLater(() => giveBackIfMade(claim, claimId), givenUpAt).catch(() => undefined)
        throw error
      })
    },

    checkpoint: (run, progress, signal) => {
      // Only what is new is sent: a conversation's earlier answers are in the row already.
      const properties = progressProperties(progress, run)
      // Others may come while this write is under way; they are not in it.
      const sent = [...progress.answers]
      return write(run, { ...leaseOf(), ...properties }, signal).then(() => {
        for (const [key, answer] of sent) run.answers.set(key, answer)
      })
    },

    extend: (run, signal) => write(run, leaseOf(), signal),

    async finish(run, progress, signal) {
      const totals = { ...totalsOf(progress), calls: progress.calls }
      const finishedAt = new Date(clock.now()).toISOString()
      await write(
        run,
        { ...claimProperties(run.claim), ...leaseOf(), claimId: run.claimId, ...totals, state: 'done', finishedAt },
        signal,
        'Replace',
      )
    },

    async release(run, progress) {
      const lease = givenBack()
      const giveBack = () =>
        write(run, { ...lease, ...progressProperties(progress, run) }, AbortSignal.timeout(releaseWithinMs))
      const givenUpAt = clock.now() + claimLeaseMs
      try {
        await giveBack()
      } catch (error) {
        if (isOutage(error)) void releaseLater(giveBack, givenUpAt).catch(() => undefined)
      }
    },

    heldUntil: (incident, playbook, signal) =>
      once(signal, 'reading the run record', async (table) => {
        const { partitionKey, rowKey } = keysOf({ incident, playbook })
        const row = await table
          .getEntity(partitionKey, rowKey, {
            abortSignal: signal,
            queryOptions: { select: ['state', 'leaseUntil'] },
          })
          .catch((error: unknown) => {
            if (statusOf(error) === 404 && codeOf(error) !== 'TableNotFound') return undefined
            throw error
          })
        const known = row && heldSchema.parse(row)
        return known?.state === 'claimed' && known.leaseUntil > clock.now() ? known.leaseUntil : undefined
      }),

    pastRuns: (playbook, signal) =>
      once(signal, 'reading past runs', async (table) => {
        const filter = odata`RowKey eq ${playbook} and state eq 'done'`
        const select = ['spentTokens', 'promptTokens', 'completionTokens']
        const totals: RunTotals[] = []
        // A page may be empty and have a next one: the service pages by what it looked at.
        let pages = 0
        const listed = table.listEntities({ queryOptions: { filter, select }, abortSignal: signal })
        for await (const page of listed.byPage({ maxPageSize: 1_000 })) {
          totals.push(...page.map((row) => totalsSchema.parse(row)))
          if (++pages >= maxPastPages || totals.length >= 1_000) break
        }
        return meanOf(totals)
      }),

    async close() {
      closing.abort()
    },
  }
}

/** Whose the row is; undefined when there is none. */
async function readHolder(table: TableClient, keys: ReturnType<typeof keysOf>, signal: AbortSignal) {
  try {
    return holderSchema.parse(
      await table.getEntity(keys.partitionKey, keys.rowKey, {
        abortSignal: signal,
        queryOptions: { select: ['state', 'claimId', 'writeId'] },
      }),
    )
  } catch (error) {
    if (statusOf(error) === 404) return undefined
    throw error
  }
}

function isOutage(error: unknown): boolean {
  return !(error instanceof Failure) || error.kind === 'outage'
}

const rowSchema = z.object({
  etag: z.string(),
  state: z.enum(['claimed', 'released', 'done']),
  leaseUntil: z.coerce.number(),
  messageSequence: z.string(),
  playbookVersion: z.number(),
  spentTokens: z.number().default(0),
  calls: z.number().default(0),
})

const holderSchema = z.object({
  etag: z.string(),
  state: z.string(),
  claimId: z.string().optional(),
  writeId: z.string().optional(),
})
const heldSchema = z.object({ state: z.string(), leaseUntil: z.coerce.number() })
const totalsSchema = z.object({
  spentTokens: z.number().default(0),
  promptTokens: z.number().default(0),
  completionTokens: z.number().default(0),
})
const maxPastPages = 10

/** Keys may not hold `/ \ # ?`; a hash of the workspace keeps incidents of two customers apart. */
function keysOf(claim: Pick<RunClaim, 'incident' | 'playbook'>): { partitionKey: string; rowKey: string } {
  const workspace = createHash('sha256').update(workspaceArmId(claim.incident).toLowerCase()).digest('hex').slice(0, 16)
  return { partitionKey: `${workspace}_${claim.incident.incident}`, rowKey: claim.playbook }
}

function claimProperties(claim: RunClaim) {
  return {
    incidentArmId: claim.incident.armId,
    playbookVersion: claim.playbookVersion,
    messageSequence: claim.messageSequence,
    owner: claim.owner,
  }
}
