import { createLocalCertificate } from './certificate.ts'
import { startIdentity } from './identity/server.ts'
import { startModel } from './model/server.ts'
import type { SeedIncident } from './sentinel/seed-incident.ts'
import { localSeeds } from './sentinel/seeds/local-seeds.ts'
import { startSentinel } from './sentinel/server.ts'
import { localWorkspaces } from './sentinel/workspaces.ts'
import { type QueueSettings, startBroker } from './service-bus/broker.ts'
import { startTables } from './tables/tables.ts'

export interface StackOptions {
  queue?: Partial<QueueSettings>
  /** Names of further queues with the same settings. */
  moreQueues?: readonly string[]
  seeds?: readonly SeedIncident[]
  /** Milliseconds that each ARM answer takes. */
  sentinelLatencyMs?: number
  /** Whether ARM's token buckets refuse. */
  sentinelThrottle?: boolean
  model?: Parameters<typeof startModel>[0]
  /** Folder for the tables; without one they live in memory. */
  tablesFolder?: string
  /** Port 0 takes a free one. */
  ports?: { serviceBus?: number; sentinel?: number; model?: number; identity?: number; tables?: number }
}

export type Stack = Awaited<ReturnType<typeof startStack>>

/**
 * Starts every part that a worker depends on, on loopback: the Service Bus broker, the Sentinel API, a model, an identity
 * endpoint and Azurite. `environment` is all that connects a worker to it.
 */
export async function startStack(options: StackOptions = {}) {
  const certificate = await createLocalCertificate()
  const ports = options.ports ?? {}
  const queue: QueueSettings = {
    name: 'incidents',
    lockDurationMs: 30_000,
    // The backstop only: the worker counts attempts itself.
    maxDeliveryCount: 100,
    duplicateDetectionWindowMs: 10 * 60_000,
    ...options.queue,
  }
  const identity = await startIdentity({ port: ports.identity ?? 0 })
  const [broker, sentinel, model, tables] = await Promise.all([
    startBroker({
      port: ports.serviceBus ?? 0,
      queues: [queue, ...(options.moreQueues ?? []).map((name) => ({ ...queue, name }))],
      certificate,
    }),
    startSentinel({
      port: ports.sentinel ?? 0,
      certificate,
      seeds: options.seeds ?? localSeeds,
      acceptToken: (bearer) => identity.accepts(bearer),
      ...(options.sentinelLatencyMs === undefined ? {} : { latencyMs: options.sentinelLatencyMs }),
      ...(options.sentinelThrottle === undefined ? {} : { throttle: options.sentinelThrottle }),
    }),
    startModel({ port: ports.model ?? 0, ...options.model }),
    startTables({
      port: ports.tables ?? 0,
      ...(options.tablesFolder === undefined ? {} : { location: options.tablesFolder }),
    }),
  ])
  const environment: Record<string, string> = {
    SERVICEBUS_CONNECTION_STRING: broker.connectionString,
    SERVICEBUS_QUEUE: queue.name,
    SENTINEL_WORKSPACES: localWorkspaces.map((workspace) => workspace.armId).join(','),
    AZURE_RESOURCE_MANAGER_URL: sentinel.url,
    ...identity.environment,
    // Only the managed identity: without this the identity library would also ask the developer's own tools.
    AZURE_TOKEN_CREDENTIALS: 'ManagedIdentityCredential',
    OPENAI_BASE_URL: model.openaiBaseUrl,
    OPENAI_API_KEY: 'local-demo-key',
    AZURE_TABLES_CONNECTION_STRING: tables.connectionString,
    NODE_EXTRA_CA_CERTS: certificate.file,
  }
  return {
    environment,
    broker,
    sentinel,
    model,
    identity,
    tables,
    certificate,
    close: async () => {
      await Promise.all([broker.close(), sentinel.close(), model.close(), identity.close(), tables.close()])
      certificate.dispose()
    },
  }
}
