import { hostname } from 'node:os'
import { systemClock } from '../shared/clock.ts'
import type { Log } from '../shared/log.ts'
import { Calibration } from './budget/calibration.ts'
import type { FleetBudget } from './budget/fleet-budget.ts'
import { createFleetBudget } from './budget/open-fleet-budget.ts'
import type { Configuration } from './configuration.ts'
import { createModelClient } from './conversation/model-client.ts'
import { createCredential, lazily } from './credential.ts'
import { type EnrichmentParts, enrichIncident, recoverFrom } from './enrich-incident.ts'
import { RunTotals } from './health/run-totals.ts'
import type { Playbook } from './playbooks/load-playbook.ts'
import { Pump } from './pump/pump.ts'
import { QueueConnection } from './pump/queue-connection.ts'
import { Circuits } from './recovery/circuits.ts'
import { createCallDependency } from './recovery/immediate-retry.ts'
import { createRunStore } from './runs/open-run-store.ts'
import { createSentinelClient } from './sentinel/sentinel-client.ts'
import { WritePacer } from './sentinel/write-pacer.ts'
import { noTelemetry, type Telemetry } from './telemetry/telemetry.ts'
import { traceModel } from './telemetry/trace-model.ts'
import { traceSentinel } from './telemetry/trace-sentinel.ts'

export interface Worker {
  pump: Pump
  circuits: Circuits
  connection: QueueConnection
  totals: RunTotals
  fleet: FleetBudget
  close(): Promise<void>
}

/** The one place that builds clients and hands parts to each other. */
export function composeWorker(
  configuration: Configuration,
  playbook: Playbook,
  log: Log,
  telemetry: Telemetry = noTelemetry,
): Worker {
  const clock = systemClock
  const credential = lazily(() => createCredential(configuration.identityClientId))
  const circuits = new Circuits(clock.now)
  circuits.on('opened', ({ circuit, code }) =>
    log.error(
      { event: 'circuit.opened', circuit, code },
      `${circuit} fails for everybody; no messages are taken until it answers`,
    ),
  )
  circuits.on('closed', ({ circuit, openMs }) =>
    log.info({ event: 'circuit.closed', circuit, openMs }, `${circuit} answers again`),
  )
  const call = createCallDependency({ circuits, clock, settings: configuration.retry })
  const runs = createRunStore(configuration, credential, call, log)
  const fleet = createFleetBudget(configuration, credential, call, {
    waited: telemetry.reservationWaited,
    spent: (ms) => circuits.rest(ms),
  })
  const parts: EnrichmentParts = {
    playbook,
    modelName: configuration.model.model ?? playbook.model,
    workspaces: configuration.workspaces,
    tokensPerIncident: configuration.budget.tokensPerIncident,
    calibration: new Calibration(),
    fleet,
    sentinel: traceSentinel(
      createSentinelClient({
        credential: credential(),
        resourceManagerUrl: configuration.resourceManagerUrl,
        pacer: new WritePacer(configuration.sentinelWritesPerSecond, clock),
        call,
      }),
      telemetry,
    ),
    model: traceModel(createModelClient(configuration.model, credential), configuration.model, telemetry),
    runs,
    call,
    circuits,
    retry: configuration.retry,
    clock,
    worker: `${hostname()}/${process.pid}`,
    telemetry,
  }
  const connection = new QueueConnection(configuration.queue, credential)
  const totals = new RunTotals()
  const pump = new Pump({
    connection,
    enrich: async (delivery, hold) => {
      const enrichment = await enrichIncident(delivery, hold, parts)
      totals.add(enrichment, clock.now())
      return enrichment
    },
    recover: (failure, delivery) => recoverFrom(failure, delivery, parts),
    circuits,
    concurrency: configuration.concurrency,
    clock,
    log,
    telemetry,
  })
  telemetry.observe({
    inFlight: () => pump.inFlight,
    counters: () => ({ ...pump.counters }),
    circuits: () => circuits.report(),
    budgetLeft: () => fleet.left(),
  })
  return {
    pump,
    circuits,
    connection,
    totals,
    fleet,
    close: async () => {
      await fleet.close()
      circuits.close()
      await Promise.all([connection.close(), runs.close()])
    },
  }
}
