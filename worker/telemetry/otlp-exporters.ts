import { OTLPMetricExporter } from '@opentelemetry/exporter-metrics-otlp-proto'
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-proto'
import type { Exporters } from './open-telemetry.ts'

/** OTLP over HTTP as protobuf; the paths below the endpoint are the protocol's (OTLP 1.x, "OTLP/HTTP Request"). */
export function otlpExporters(endpoint: string): Exporters {
  const base = endpoint.replace(/\/+$/, '')
  return {
    spans: new OTLPTraceExporter({ url: `${base}/v1/traces` }),
    metrics: new OTLPMetricExporter({ url: `${base}/v1/metrics` }),
  }
}
