import type { TokenCredential } from '@azure/identity'
import { systemClock } from '../../shared/clock.ts'
import type { Configuration } from '../configuration.ts'
import type { CallDependency } from '../recovery/immediate-retry.ts'
import { createTableClient } from '../runs/open-run-store.ts'
import { type FleetBudget, type FleetBudgetEvents, LedgerBudget, unlimitedBudget } from './fleet-budget.ts'
import { budgetsTable, createMemoryLedgerStore, createTableLedgerStore } from './ledger-store.ts'

/** The shared budgets that the configuration names; without any the ledger is not touched. */
export function createFleetBudget(
  configuration: Configuration,
  credential: () => TokenCredential,
  call: CallDependency,
  events: FleetBudgetEvents,
): FleetBudget {
  const { budget, state } = configuration
  const { tokensPerMinute, requestsPerMinute, tokensPerDay, tokensPerDayPerWorkspace } = budget
  const limits = { tokensPerMinute, requestsPerMinute, tokensPerDay, tokensPerDayPerWorkspace }
  if (Object.values(limits).every((limit) => limit === undefined)) return unlimitedBudget
  const store =
    state.store === 'memory'
      ? createMemoryLedgerStore()
      : createTableLedgerStore(createTableClient(state, budgetsTable, credential), call)
  return new LedgerBudget(store, limits, systemClock, events)
}
