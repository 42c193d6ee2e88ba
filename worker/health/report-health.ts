import type { FleetBudget } from '../budget/fleet-budget.ts'
import type { Configuration } from '../configuration.ts'
import type { Playbook } from '../playbooks/load-playbook.ts'
import type { Pump } from '../pump/pump.ts'
import type { Circuits } from '../recovery/circuits.ts'
import type { HealthReport } from './health-server.ts'
import type { RunTotals } from './run-totals.ts'

/** A run that outlives its slot's bound by this much means that the pump itself hangs: only a restart helps. */
const hangsAfterMs = 15 * 60_000

/** What of the parts the report looks at. */
export interface ReportedParts {
  pump: Pick<Pump, 'state' | 'ready' | 'inFlight' | 'oldestRunMs' | 'counters'>
  circuits: Pick<Circuits, 'report'>
  totals: Pick<RunTotals, 'report'>
  fleet: Pick<FleetBudget, 'left'>
  configuration: Configuration
  playbook: Playbook
  startedAt: number
}

/** The health endpoints' report, and the operator's page: no secret, no incident text, nothing that a log line would not say. */
export function reportHealth({
  pump,
  circuits,
  totals,
  fleet,
  configuration,
  playbook,
  startedAt,
}: ReportedParts): HealthReport {
  const { telemetry } = configuration
  return {
    live: pump.state !== 'stopped' && pump.oldestRunMs < hangsAfterMs,
    ready: pump.ready,
    status: {
      state: pump.state,
      inFlight: pump.inFlight,
      concurrency: configuration.concurrency,
      oldestRunMs: pump.oldestRunMs,
      uptimeSeconds: Math.round((Date.now() - startedAt) / 1000),
      counters: pump.counters,
      totals: totals.report(Date.now()),
      budgetLeft: fleet.left(),
      circuits: circuits.report(),
      queue: configuration.queue.queue,
      workspaces: configuration.workspaces.length,
      playbook: { name: playbook.name, version: playbook.version, tag: playbook.tag },
      model: { name: configuration.model.model ?? playbook.model, provider: configuration.model.provider },
      stateStore: configuration.state.store,
      telemetry: [
        ...(telemetry.otlpEndpoint ? ['otlp'] : []),
        ...(telemetry.applicationInsights ? ['application-insights'] : []),
      ],
      memoryMb: Math.round(process.memoryUsage.rss() / 2 ** 20),
    },
  }
}
