import { createHash } from 'node:crypto'
import { odata, type TableClient } from '@azure/data-tables'
import * as z from 'zod'
import { workspaceArmId } from '../../shared/arm-id.ts'
import type { Clock } from '../../shared/clock.ts'
import { Failure } from '../../shared/failure.ts'
import type { CallDependency } from '../recovery/immediate-retry.ts'
import { claimLost, emptyProgress } from './memory-run-store.ts'
import {
  type ClaimResult,
  claimLeaseMs,
  meanOf,
  type Run,
  type RunClaim,
  type RunProgress,
  type RunStore,
  type RunTotals,
  type StoredAnswer,
  totalsOf,
} from './run-store.ts'
import { codeOf, statusOf, withTable } from './table-call.ts'

export const runsTable = 'EnricherRuns'

/** A string property holds at most 32,768 UTF-16 characters. */
const chunkLength = 30_000
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
  function merge(run: Run, properties: Lease, signal: AbortSignal): Promise<void> {
    const before = writing.get(run) ?? Promise.resolve()
    const write = before.catch(() => undefined).then(() => mergeNow(run, properties, signal))
    writing.set(run, write)
    return write
  }

  /** Merges properties into the row under the run's version. */
  async function mergeNow(run: Run, properties: Lease, signal: AbortSignal): Promise<void> {
    const entity = { ...keysOf(run.claim), ...properties }
    const { writeId } = properties
    const etag = await once(signal, 'writing the run record', async (table, retry) => {
      try {
        const answer = await table.updateEntity(entity, 'Merge', { etag: run.version, abortSignal: signal })
        return answer.etag
      } catch (error) {
        if (statusOf(error) !== 412 && statusOf(error) !== 404) throw error
        // After a lost answer the write may have been ours: the row then says so.
        const row =
          retry > 0 ? await table.getEntity(entity.partitionKey, entity.rowKey, { abortSignal: signal }) : undefined
        if (row?.writeId === writeId) return row.etag
        throw claimLost()
      }
    })
    if (etag === undefined) throw claimLost()
    run.version = etag
  }

  const leaseOf = (): Lease => ({ leaseUntil: clock.now() + claimLeaseMs, writeId: crypto.randomUUID() })

  return {
    async claim(claim, signal): Promise<ClaimResult> {
      return await once(signal, 'claiming the run', async (table) => {
        const fresh = { ...keysOf(claim), ...claimProperties(claim), ...leaseOf(), state: 'claimed' }
        try {
          const { etag } = await table.createEntity(
            { ...fresh, ...progressProperties(emptyProgress(), emptyProgress()) },
            { abortSignal: signal },
          )
          return { claimed: { claim, ...emptyProgress(), takenOver: false, version: etag ?? '' } }
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
            return { claimed: { claim, ...progress, takenOver: !free, version: etag ?? '' } }
          } catch (error) {
            if (statusOf(error) !== 412) throw error
          }
        }
        return { busyUntil: clock.now() + claimLeaseMs }
      })
    },

    checkpoint: (run, progress, signal) => {
      // Only what is new is sent: a conversation's earlier answers are in the row already.
      const properties = progressProperties(progress, run)
      // An answer that arrives while this is written is not in it.
      const kept = [...progress.answers]
      return merge(run, { ...leaseOf(), ...properties }, signal).then(() => {
        for (const [key, answer] of kept) run.answers.set(key, answer)
      })
    },

    extend: (run, signal) => merge(run, leaseOf(), signal),

    async finish(run, progress, signal) {
      const totals = { ...totalsOf(progress), calls: progress.calls }
      const row = { ...keysOf(run.claim), ...claimProperties(run.claim), ...leaseOf(), ...totals, state: 'done' }
      const finishedAt = new Date(clock.now()).toISOString()
      await once(signal, 'finishing the run record', async (table) => {
        await table
          .updateEntity({ ...row, finishedAt }, 'Replace', { etag: run.version, abortSignal: signal })
          .catch((error) => {
            // The tag is written and says the same; a newer owner's row stays as it is.
            if (statusOf(error) !== 412 && statusOf(error) !== 404) throw error
          })
      })
    },

    async release(run, progress) {
      const lease = { leaseUntil: 0, state: 'released', writeId: crypto.randomUUID() }
      const giveBack = () =>
        merge(run, { ...lease, ...progressProperties(progress, run) }, AbortSignal.timeout(releaseWithinMs))
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

const heldSchema = z.object({ state: z.string(), leaseUntil: z.coerce.number() })
const totalsSchema = z.object({
  spentTokens: z.number().default(0),
  promptTokens: z.number().default(0),
  completionTokens: z.number().default(0),
})
const maxPastPages = 10

const answerSchema = z.object({
  text: z.string(),
  promptTokens: z.number(),
  completionTokens: z.number(),
  cachedTokens: z.number(),
  attackSigns: z.array(z.enum(['delimiter', 'canary', 'jailbreak', 'indirect_attack'])).optional(),
})

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

/** Answers as properties `answer_<turn>_<step>_<chunk>`, those that `saved` has left out. */
function progressProperties(progress: RunProgress, saved: Pick<RunProgress, 'answers'>): Record<string, unknown> {
  const properties: Record<string, unknown> = { spentTokens: progress.spentTokens, calls: progress.calls }
  for (const [key, answer] of progress.answers) {
    if (saved.answers.get(key) === answer) continue
    chunksOf(answer).forEach((chunk, index) => {
      properties[`${propertyOf(key)}_${index}`] = chunk
    })
  }
  return properties
}

/**
 * JSON in ASCII, cut into properties. Beyond ASCII a cut can fall into a surrogate pair, and Azurite mangles characters that
 * arrive split over two packets.
 */
function chunksOf(answer: StoredAnswer): string[] {
  const json = JSON.stringify(answer).replace(
    /[^ -~]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
  return Array.from({ length: Math.ceil(json.length / chunkLength) }, (_, index) =>
    json.slice(index * chunkLength, (index + 1) * chunkLength),
  )
}

function readProgress(row: Record<string, unknown>, known: z.infer<typeof rowSchema>): RunProgress {
  const answers = new Map<string, StoredAnswer>()
  for (const property of Object.keys(row)) {
    const match = /^answer_(\w+)_(\d+)_0$/.exec(property)
    if (!match) continue
    let json = ''
    for (let chunk = 0; typeof row[`answer_${match[1]}_${match[2]}_${chunk}`] === 'string'; chunk++) {
      json += row[`answer_${match[1]}_${match[2]}_${chunk}`]
    }
    const answer = answerSchema.safeParse(parseJson(json))
    if (answer.success) answers.set(`${(match[1] ?? '').replaceAll('_', '-')}/${match[2]}`, answer.data)
  }
  return { answers, spentTokens: known.spentTokens, calls: known.calls }
}

/** `turn/step` as a property name, which is letters, digits and underscores; turn names have no underscore. */
function propertyOf(key: string): string {
  return `answer_${key.replace('/', '_').replaceAll('-', '_')}`
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
