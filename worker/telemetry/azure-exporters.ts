import { AzureMonitorMetricExporter, AzureMonitorTraceExporter } from '@azure/monitor-opentelemetry-exporter'
import { SpanKind } from '@opentelemetry/api'
import type { ReadableSpan, SpanExporter } from '@opentelemetry/sdk-trace-base'
import type { Exporters } from './open-telemetry.ts'

/**
 * The exporters inside `@azure/monitor-opentelemetry`, without that package's own instrumentation, which patches modules as they
 * load and cannot see into a bundle.
 */
export function azureExporters(connectionString: string): Exporters {
  // Statistics about the exporter itself, sent to its maker, are nobody's business.
  process.env.APPLICATION_INSIGHTS_NO_STATSBEAT ??= 'true'
  // The image's file system is read-only, and what is not sent soon is of no use.
  return {
    spans: withNamedRequests(new AzureMonitorTraceExporter({ connectionString, disableOfflineStorage: true })),
    metrics: new AzureMonitorMetricExporter({ connectionString, disableOfflineStorage: true }),
  }
}

/** The exporter makes a consumer's span a request without a name (1.0.0-beta.47, spanUtils): as a server's it has one. */
function withNamedRequests(exporter: SpanExporter): SpanExporter {
  const named = (span: ReadableSpan): ReadableSpan =>
    span.kind === SpanKind.CONSUMER ? Object.create(span, { kind: { value: SpanKind.SERVER } }) : span
  return {
    export: (spans, done) => exporter.export(spans.map(named), done),
    shutdown: () => exporter.shutdown(),
    forceFlush: async () => exporter.forceFlush?.(),
  }
}
