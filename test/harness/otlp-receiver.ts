import { EventEmitter } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { gunzipSync } from 'node:zlib'
import { doubleOf, hexOf, messagesOf, numberOf, textOf } from './protobuf.ts'

export type AttributeValue = string | number | boolean | string[]

export interface ReceivedSpan {
  traceId: string
  spanId: string
  parentSpanId: string
  name: string
  kind: number
  startNs: number
  endNs: number
  attributes: Record<string, AttributeValue>
  /** 2 is an error. */
  status: number
}

export interface ReceivedPoint {
  name: string
  unit: string
  attributes: Record<string, AttributeValue>
  /** Of a histogram its count. */
  value: number
  /** Of a histogram. */
  sum: number | undefined
}

/** A collector's OTLP/HTTP endpoints, as far as a test needs them: it decodes what arrives (opentelemetry-proto 1.x). */
export async function startOtlpReceiver() {
  const spans: ReceivedSpan[] = []
  const points: ReceivedPoint[] = []
  const requests: { path: string; bytes: Buffer }[] = []
  const events = new EventEmitter<{ received: [] }>()
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const raw = Buffer.concat(chunks)
      const bytes = request.headers['content-encoding'] === 'gzip' ? gunzipSync(raw) : raw
      const path = request.url ?? ''
      const fits = request.headers['content-type'] === 'application/x-protobuf'
      requests.push({ path, bytes })
      if (path === '/v1/traces' && fits) spans.push(...decodeSpans(bytes))
      else if (path === '/v1/metrics' && fits) points.push(...decodeMetrics(bytes))
      response.writeHead(fits ? 200 : 415, { 'content-type': 'application/x-protobuf' }).end()
      events.emit('received')
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', () => resolve()))
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    spans,
    points,
    requests,
    events,
    /** The newest value of each series of a metric. */
    latest(name: string): ReceivedPoint[] {
      const series = new Map<string, ReceivedPoint>()
      for (const point of points) if (point.name === name) series.set(JSON.stringify(point.attributes), point)
      return [...series.values()]
    },
    close: () => new Promise<void>((resolve) => server.close(() => resolve())),
  }
}

function decodeSpans(bytes: Buffer): ReceivedSpan[] {
  return messagesOf(bytes, 1)
    .flatMap((resource) => messagesOf(resource, 2))
    .flatMap((scope) => messagesOf(scope, 2))
    .map((span) => ({
      traceId: hexOf(span, 1),
      spanId: hexOf(span, 2),
      parentSpanId: hexOf(span, 4),
      name: textOf(span, 5),
      kind: numberOf(span, 6) ?? 0,
      startNs: numberOf(span, 7) ?? 0,
      endNs: numberOf(span, 8) ?? 0,
      attributes: attributesOf(span, 9),
      status: numberOf(messagesOf(span, 15)[0] ?? Buffer.alloc(0), 3) ?? 0,
    }))
}

function decodeMetrics(bytes: Buffer): ReceivedPoint[] {
  const metrics = messagesOf(bytes, 1)
    .flatMap((resource) => messagesOf(resource, 2))
    .flatMap((scope) => messagesOf(scope, 2))
  return metrics.flatMap((metric) => {
    const [name, unit] = [textOf(metric, 1), textOf(metric, 3)]
    // Gauge 5 and sum 7 have number points, histogram 9 has its own.
    const numbers = [5, 7].flatMap((kind) => messagesOf(metric, kind)).flatMap((data) => messagesOf(data, 1))
    const histograms = messagesOf(metric, 9).flatMap((data) => messagesOf(data, 1))
    return [
      ...numbers.map((point) => ({
        name,
        unit,
        attributes: attributesOf(point, 7),
        value: numberOf(point, 6) ?? doubleOf(point, 4) ?? 0,
        sum: undefined,
      })),
      ...histograms.map((point) => ({
        name,
        unit,
        attributes: attributesOf(point, 9),
        value: numberOf(point, 4) ?? 0,
        sum: doubleOf(point, 5),
      })),
    ]
  })
}

function attributesOf(bytes: Buffer, field: number): Record<string, AttributeValue> {
  return Object.fromEntries(
    messagesOf(bytes, field).map((pair) => [textOf(pair, 1), anyValue(messagesOf(pair, 2)[0] ?? Buffer.alloc(0))]),
  )
}

/** AnyValue: string 1, bool 2, int 3, double 4, array 5. */
function anyValue(any: Buffer): AttributeValue {
  const [array] = messagesOf(any, 5)
  if (array) return messagesOf(array, 1).map((item) => textOf(item, 1))
  const flag = numberOf(any, 2)
  const [double] = messagesOf(any, 4)
  if (double) return double.readDoubleLE()
  return numberOf(any, 3) ?? (messagesOf(any, 1).length > 0 ? textOf(any, 1) : flag === 1)
}
