import type { TableClient } from '@azure/data-tables'
import { codeOf, statusOf } from '../runs/table-call.ts'
import { type CheckResult, grantCommand, roles } from './check-result.ts'

const what = 'tables'

/** The run record: a row is written and deleted again; the table is made when it is missing, as the worker makes it. */
export async function checkTables(
  table: TableClient,
  principal: string | undefined,
  abortSignal: AbortSignal,
): Promise<CheckResult[]> {
  const row = { partitionKey: 'enricher-check', rowKey: crypto.randomUUID() }
  try {
    try {
      await table.createEntity(row, { abortSignal })
    } catch (error) {
      if (statusOf(error) !== 404) throw error
      await table.createTable({ abortSignal })
      await table.createEntity(row, { abortSignal })
    }
    await table.deleteEntity(row.partitionKey, row.rowKey, { abortSignal })
    return [{ what, status: 'passed', says: `a row of ${table.tableName} was written and deleted again` }]
  } catch (error) {
    const status = statusOf(error)
    const code = codeOf(error) ?? (status === undefined ? 'no answer' : `HTTP ${status}`)
    if (status === 401 || status === 403) {
      return [
        {
          what,
          status: 'failed',
          says: `the table store refuses it (${code}): the role ${roles.tables} is missing, or its firewall`,
          todo: grantCommand(roles.tables, '<id of the storage account>', principal),
        },
      ]
    }
    return [
      {
        what,
        status: 'failed',
        says: `the table store cannot be used (${code})`,
        todo: 'Check AZURE_TABLES_URL or AZURE_TABLES_CONNECTION_STRING, and the network.',
      },
    ]
  }
}
