import { AzureMonitorMetricExporter, AzureMonitorTraceExporter } from '@azure/monitor-opentelemetry-exporter'
import type { Exporters } from './open-telemetry.ts'

/**
 * The exporters inside `@azure/monitor-opentelemetry`, without that package's own instrumentation, which patches modules as they
 * load and cannot see into a bundle.
 */
export function azureExporters(connectionString: string): Exporters {
  // Statistics about the exporter itself, sent to its maker, are nobody's business.
  process.env.APPLICATION_INSIGHTS_NO_STATSBEAT ??= 'true'
  return {
    spans: new AzureMonitorTraceExporter({ connectionString }),
    metrics: new AzureMonitorMetricExporter({ connectionString }),
  }
}
