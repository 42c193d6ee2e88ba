import type { TableClient } from '@azure/data-tables'
import * as z from 'zod'
import type { CallDependency } from '../recovery/immediate-retry.ts'
import { codeOf, statusOf, withTable } from '../runs/table-call.ts'
import { emptyLedger, type LedgerState } from './ledger-state.ts'

export const budgetsTable = 'EnricherBudgets'

/** Where the fleet's ledger lies. A state is written only over the version that was read. */
export interface LedgerStore {
  load(signal: AbortSignal): Promise<{ state: LedgerState; version: string }>
  /** @returns the new version, or undefined when somebody else wrote meanwhile */
  save(state: LedgerState, version: string, signal: AbortSignal): Promise<string | undefined>
}

const keys = { partitionKey: 'fleet', rowKey: 'budgets' }
/** A string property holds 32,768 UTF-16 characters. */
const chunkLength = 30_000
const maxChunks = 20

/**
 * One row for the whole fleet: JSON cut into `state_0`, `state_1`, …; every write goes under the ETag that was read. One
 * row is one transaction: rate, day and workspaces are granted together or not at all.
 */
export function createTableLedgerStore(table: TableClient, call: CallDependency): LedgerStore {
  const once = withTable(table, call)
  return {
    load: (signal) =>
      once(signal, 'reading the budgets', async (client) => {
        try {
          const row = await client.getEntity(keys.partitionKey, keys.rowKey, { abortSignal: signal })
          return { state: readState(row), version: row.etag }
        } catch (error) {
          if (statusOf(error) !== 404 || codeOf(error) === 'TableNotFound') throw error
          return { state: emptyLedger(), version: '' }
        }
      }),

    save: (state, version, signal) => {
      const entity = { ...keys, ...chunksOf(state), writeId: crypto.randomUUID() }
      return once(signal, 'reserving tokens', async (client, retry) => {
        try {
          const { etag } =
            version === ''
              ? await client.createEntity(entity, { abortSignal: signal })
              : await client.updateEntity(entity, 'Replace', { etag: version, abortSignal: signal })
          return etag ?? ''
        } catch (error) {
          if (![404, 409, 412].includes(statusOf(error) ?? 0) || codeOf(error) === 'TableNotFound') throw error
          // After a lost answer the write may have been ours: made again, it would settle every call twice.
          const row =
            retry > 0 ? await client.getEntity(keys.partitionKey, keys.rowKey, { abortSignal: signal }) : undefined
          return row?.writeId === entity.writeId ? row.etag : undefined
        }
      })
    },
  }
}

/** For a worker that shares with nobody. */
export function createMemoryLedgerStore(): LedgerStore {
  let text = JSON.stringify(emptyLedger())
  let version = 1
  return {
    load: async () => ({ state: JSON.parse(text) as LedgerState, version: String(version) }),
    save: async (state, read) => {
      if (read !== String(version)) return undefined
      text = JSON.stringify(state)
      return String(++version)
    },
  }
}

const spend = z.object({ reserved: z.number(), settled: z.number() })
const stateSchema = z.object({
  models: z.record(
    z.string(),
    z.object({
      tokensAt: z.number(),
      requestsAt: z.number(),
      blockedUntil: z.number(),
      share: z.number(),
      shareAt: z.number(),
      // Absent in rows that earlier versions wrote.
      slowly: z.boolean().default(false),
      headerLimit: z.number(),
      headerUntil: z.number(),
    }),
  ),
  day: z.string(),
  spent: spend,
  workspaces: z.record(z.string(), spend),
})

function chunksOf(state: LedgerState): Record<string, string> {
  // Model and workspace names are ASCII by their own rules; whatever is not is escaped, so no cut falls into a pair.
  const json = JSON.stringify(state).replace(
    /[^ -~]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
  const chunks: Record<string, string> = {}
  for (let index = 0; index * chunkLength < json.length; index++) {
    chunks[`state_${index}`] = json.slice(index * chunkLength, (index + 1) * chunkLength)
  }
  return chunks
}

/** @throws where the row is not the ledger's: spending on a guess would fail open */
function readState(row: Record<string, unknown>): LedgerState {
  let json = ''
  for (let index = 0; index < maxChunks && typeof row[`state_${index}`] === 'string'; index++)
    json += row[`state_${index}`]
  return stateSchema.parse(JSON.parse(json))
}
