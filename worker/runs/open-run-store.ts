import { TableClient } from '@azure/data-tables'
import type { TokenCredential } from '@azure/identity'
import { systemClock } from '../../shared/clock.ts'
import type { Log } from '../../shared/log.ts'
import type { Configuration } from '../configuration.ts'
import type { CallDependency } from '../recovery/immediate-retry.ts'
import { createMemoryRunStore } from './memory-run-store.ts'
import type { RunStore } from './run-store.ts'
import { createTableRunStore, runsTable } from './table-run-store.ts'

/** The run record that the configuration names. */
export function createRunStore(
  configuration: Configuration,
  credential: () => TokenCredential,
  call: CallDependency,
  log: Log,
): RunStore {
  const { state } = configuration
  if (state.store === 'memory') {
    log.warn('STATE_STORE=memory: for one replica only; a restart forgets which answers were paid for')
    return createMemoryRunStore(systemClock)
  }
  return createTableRunStore({ table: createTableClient(state, runsTable, credential), call, clock: systemClock })
}

/** A client of one table; it makes no request. */
export function createTableClient(
  state: Configuration['state'],
  table: string,
  credential: () => TokenCredential,
): TableClient {
  const client = connectTable(state, table, credential)
  // A redirect would carry the run's answers to another host.
  client.pipeline.removePolicy({ name: 'redirectPolicy' })
  return client
}

function connectTable(state: Configuration['state'], table: string, credential: () => TokenCredential): TableClient {
  // Our own policy retries; http only where the connection string itself says so (Azurite).
  const options = { retryOptions: { maxRetries: 0 } }
  if (state.tablesConnectionString) {
    const allowInsecureConnection =
      /TableEndpoint=http:|UseDevelopmentStorage=true|DefaultEndpointsProtocol=http;/i.test(
        state.tablesConnectionString,
      )
    return TableClient.fromConnectionString(state.tablesConnectionString, table, {
      ...options,
      allowInsecureConnection,
    })
  }
  return new TableClient(state.tablesUrl ?? '', table, credential(), options)
}
