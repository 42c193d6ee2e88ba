import type { TokenCredential } from '@azure/identity'
import { systemClock } from '../../shared/clock.ts'
import { createLog } from '../../shared/log.ts'
import type { Configuration } from '../configuration.ts'
import { createCredential, lazily } from '../credential.ts'
import { Circuits } from '../recovery/circuits.ts'
import { type CallDependency, createCallDependency } from '../recovery/immediate-retry.ts'
import { createRunStore } from '../runs/open-run-store.ts'
import type { RunStore } from '../runs/run-store.ts'
import { createSentinelClient, type SentinelClient } from '../sentinel/sentinel-client.ts'
import { WritePacer } from '../sentinel/write-pacer.ts'

/** The identity that the worker would use, made when it is needed. */
export function operatorCredential(configuration: Configuration): () => TokenCredential {
  return lazily(() => createCredential(configuration.identityClientId))
}

/** Calls with the worker's immediate retries; an operator's command has no circuit to share. */
export function operatorCalls(configuration: Configuration): CallDependency {
  return createCallDependency({ circuits: new Circuits(), clock: systemClock, settings: configuration.retry })
}

export function openRuns(configuration: Configuration): RunStore {
  const log = createLog('silent')
  return createRunStore(configuration, operatorCredential(configuration), operatorCalls(configuration), log)
}

export function openSentinel(configuration: Configuration): SentinelClient {
  return createSentinelClient({
    credential: operatorCredential(configuration)(),
    resourceManagerUrl: configuration.resourceManagerUrl,
    pacer: new WritePacer(configuration.sentinelWritesPerSecond, systemClock),
    call: operatorCalls(configuration),
  })
}
