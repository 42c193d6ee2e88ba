import type { SpanContext } from '@opentelemetry/api'

/** What a sender's trace context looks like (W3C Trace Context, 3.2); the older `Diagnostic-Id` of Azure's SDKs has the same form. */
const traceparentPattern = /^00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})$/

/** The sender's context as a remote parent; undefined for anything that is none, all zeroes included. */
export function contextOf(traceparent: string | undefined): SpanContext | undefined {
  const [, traceId = '', spanId = '', flags = ''] = traceparentPattern.exec(traceparent ?? '') ?? []
  if (traceId === '' || /^0+$/.test(traceId) || /^0+$/.test(spanId)) return undefined
  return { traceId, spanId, traceFlags: Number.parseInt(flags, 16) & 1, isRemote: true }
}

/** The trace context in a message's properties, as its sender put it there. */
export function traceparentIn(properties: Record<string, unknown> | undefined): string | undefined {
  const found = [properties?.traceparent, properties?.['Diagnostic-Id']].find(
    (value) => typeof value === 'string' && traceparentPattern.test(value),
  )
  return found as string | undefined
}
