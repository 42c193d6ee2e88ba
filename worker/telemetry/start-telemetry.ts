import type { TelemetryConfiguration } from './read-telemetry-configuration.ts'
import { noTelemetry, type Telemetry } from './telemetry.ts'

/** Starts telemetry where somebody listens. Nothing of it is loaded otherwise: start-up pays for what it loads. */
export async function startTelemetry(configuration: TelemetryConfiguration): Promise<Telemetry> {
  if (!configuration.applicationInsights && !configuration.otlpEndpoint) return noTelemetry
  const { startOpenTelemetry } = await import('./open-telemetry.ts')
  return await startOpenTelemetry(configuration)
}
