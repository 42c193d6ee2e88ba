import type { TableClient } from '@azure/data-tables'
import { Failure } from '../../shared/failure.ts'
import type { CallDependency } from '../recovery/immediate-retry.ts'

/** The HTTP status of a table error; undefined for what was no answer. */
export function statusOf(error: unknown): number | undefined {
  const status = (error as { statusCode?: unknown } | null)?.statusCode
  return typeof status === 'number' ? status : undefined
}

export type TableCall = <T>(
  signal: AbortSignal,
  what: string,
  operation: (table: TableClient, retry: number) => Promise<T>,
) => Promise<T>

/**
 * Runs calls to one table: creates it when it is missing, retries at once, and classifies what remains. A store that
 * cannot be used is an outage whatever the reason: a missing role shows when the worker starts, and stops nothing for good.
 */
export function withTable(table: TableClient, call: CallDependency): TableCall {
  return (signal, what, operation) =>
    call({ circuit: 'state', dependency: 'state', signal }, async (retry) => {
      try {
        try {
          return await operation(table, retry)
        } catch (error) {
          if (statusOf(error) !== 404 || codeOf(error) !== 'TableNotFound') throw error
          await table.createTable({ abortSignal: signal })
          return await operation(table, retry)
        }
      } catch (error) {
        throw classifyTableError(error, what)
      }
    })
}

/** The table service's own error code. */
export function codeOf(error: unknown): string | undefined {
  const { code, details } = error as { code?: unknown; details?: { odataError?: { code?: unknown } } }
  const found = details?.odataError?.code ?? code
  return typeof found === 'string' ? found : undefined
}

function classifyTableError(error: unknown, what: string): Failure {
  if (error instanceof Failure) return error
  const status = statusOf(error)
  const code = codeOf(error) ?? (status === undefined ? ((error as Error).name ?? 'NoAnswer') : `HTTP_${status}`)
  if (status === 401 || status === 403) {
    return new Failure(
      `The table store refuses ${what} (${code}): give the identity the role Storage Table Data Contributor, or correct the connection string.`,
      { kind: 'outage', dependency: 'state', code, opensCircuit: true, cause: error },
    )
  }
  const answered = status !== undefined && status < 500 && status !== 408 && status !== 429
  return new Failure(`The table store failed at ${what} (${code}); the worker tries again.`, {
    kind: answered ? 'unexpected' : 'outage',
    dependency: 'state',
    code,
    retryNow: !answered,
    cause: error,
  })
}
