import {
  type Context,
  context,
  createContextKey,
  ROOT_CONTEXT,
  type Span,
  SpanKind,
  SpanStatusCode,
  TraceFlags,
  trace,
} from '@opentelemetry/api'
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks'
import { defaultResource, resourceFromAttributes } from '@opentelemetry/resources'
import { MeterProvider, PeriodicExportingMetricReader, type PushMetricExporter } from '@opentelemetry/sdk-metrics'
import { BasicTracerProvider, BatchSpanProcessor, type SpanExporter } from '@opentelemetry/sdk-trace-base'
import type { Failure } from '../../shared/failure.ts'
import { createInstruments } from './instruments.ts'
import type { TelemetryConfiguration } from './read-telemetry-configuration.ts'
import type { Attributes, SpanOptions, Telemetry } from './telemetry.ts'
import { attributeNames } from './telemetry-names.ts'
import { contextOf } from './trace-context.ts'

export interface Exporters {
  spans: SpanExporter
  metrics: PushMetricExporter
}

const inherited = createContextKey('enricher.inherited')
const kinds = { internal: SpanKind.INTERNAL, client: SpanKind.CLIENT, consumer: SpanKind.CONSUMER }

/** Telemetry through OpenTelemetry's SDK, to every place that is configured. */
export async function startOpenTelemetry(configuration: TelemetryConfiguration): Promise<Telemetry> {
  const exporters: Exporters[] = []
  if (configuration.otlpEndpoint) {
    exporters.push((await import('./otlp-exporters.ts')).otlpExporters(configuration.otlpEndpoint))
  }
  if (configuration.applicationInsights) {
    exporters.push((await import('./azure-exporters.ts')).azureExporters(configuration.applicationInsights))
  }
  const resource = defaultResource().merge(resourceFromAttributes({ 'service.name': 'incident-enricher' }))
  const tracers = new BasicTracerProvider({
    resource,
    spanProcessors: exporters.map(({ spans }) => new BatchSpanProcessor(spans)),
  })
  const meters = new MeterProvider({
    resource,
    readers: exporters.map(
      ({ metrics }) =>
        new PeriodicExportingMetricReader({ exporter: metrics, exportIntervalMillis: configuration.metricIntervalMs }),
    ),
  })
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable())
  const tracer = tracers.getTracer('incident-enricher')
  const instruments = createInstruments(meters.getMeter('incident-enricher'), configuration.latestGenAi)

  function parentOf(options: SpanOptions): Context {
    const remote = contextOf(options.traceparent)
    return remote ? trace.setSpanContext(ROOT_CONTEXT, remote) : context.active()
  }

  return {
    ...instruments,
    async span(name, attributes, work, options = {}) {
      const parent = parentOf(options)
      const passedOn = { ...(parent.getValue(inherited) as Attributes | undefined), ...options.inherit }
      const kind = kinds[options.kind ?? 'internal']
      const span = tracer.startSpan(name, { kind, attributes: { ...passedOn, ...attributes } }, parent)
      const inside = trace.setSpan(parent, span).setValue(inherited, passedOn)
      try {
        return await context.with(inside, () => work({ set: (more) => span.setAttributes(more) }))
      } catch (error) {
        fail(span, error)
        throw error
      } finally {
        span.end()
      }
    },
    traceparent() {
      const active = trace.getSpanContext(context.active())
      if (!active) return undefined
      return `00-${active.traceId}-${active.spanId}-0${active.traceFlags & TraceFlags.SAMPLED}`
    },
    async shutdown() {
      await Promise.allSettled([tracers.shutdown(), meters.shutdown()])
    },
  }
}

/** A code, never the sentence or the stack: a foreign error's may quote what it carried. */
function fail(span: Span, error: unknown): void {
  // By its shape: this file is a bundle of its own, whose Failure would be another class.
  const { kind, code } = (error ?? {}) as Partial<Failure>
  const type = kind && code ? code : error instanceof Error ? error.name : typeof error
  span.setAttribute(attributeNames.errorType, type)
  span.setStatus({ code: SpanStatusCode.ERROR })
}
