import type { VariableReader } from '../read-variables.ts'

/** Where telemetry goes; neither: none. */
export interface TelemetryConfiguration {
  applicationInsights: string | undefined
  otlpEndpoint: string | undefined
  /** The newer GenAI conventions instead of those of 1.41. */
  latestGenAi: boolean
  metricIntervalMs: number
}

/** The contract's two variables, and OpenTelemetry's own that this product reads (the exporter reads its headers and the like itself). */
export function readTelemetryConfiguration(read: Pick<VariableReader, 'text' | 'problem'>): TelemetryConfiguration {
  const applicationInsights = read.text('APPLICATIONINSIGHTS_CONNECTION_STRING')
  if (applicationInsights && !/(^|;)\s*InstrumentationKey=[0-9a-f-]{36}(;|$)/i.test(applicationInsights)) {
    read.problem(
      'APPLICATIONINSIGHTS_CONNECTION_STRING',
      'has no InstrumentationKey=… part: copy it whole from the Application Insights resource',
    )
  }
  const otlpEndpoint = read.text('OTEL_EXPORTER_OTLP_ENDPOINT')
  if (otlpEndpoint && !(URL.canParse(otlpEndpoint) && /^https?:$/.test(new URL(otlpEndpoint).protocol))) {
    read.problem('OTEL_EXPORTER_OTLP_ENDPOINT', 'is not an http or https URL, such as http://collector:4318')
  }
  const interval = Number(read.text('OTEL_METRIC_EXPORT_INTERVAL') ?? 60_000)
  return {
    applicationInsights,
    otlpEndpoint,
    latestGenAi: (read.text('OTEL_SEMCONV_STABILITY_OPT_IN') ?? '')
      .split(',')
      .some((one) => one.trim() === 'gen_ai_latest_experimental'),
    metricIntervalMs: Number.isFinite(interval) && interval >= 100 ? interval : 60_000,
  }
}
