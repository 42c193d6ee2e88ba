import { workspaceArmId } from '../../shared/arm-id.ts'
import type { Enrichment } from '../enrich-incident.ts'
import type { Delivery } from '../pump/delivery.ts'
import type { Telemetry } from './telemetry.ts'
import { attributeNames as names, spanNames } from './telemetry-names.ts'
import { traceparentIn } from './trace-context.ts'

/**
 * Runs a message's work in its span: under the sender's trace context where the message has one, with the settlement inside.
 * `work` calls `done` with the enrichment as soon as it knows it.
 */
export function traceMessage(
  telemetry: Telemetry,
  queue: string,
  delivery: Delivery,
  work: (done: (enrichment: Enrichment) => void) => Promise<void>,
): Promise<void> {
  const attributes = {
    [names.messagingSystem]: 'servicebus',
    [names.messagingOperationName]: 'process',
    [names.messagingOperationType]: 'process',
    [names.messagingDestination]: queue,
    [names.messagingMessageId]: delivery.messageId,
    [names.messagingDeliveryCount]: delivery.message.deliveryCount ?? 0,
    [names.attempt]: delivery.attempt,
    [names.copies]: delivery.copies,
  }
  return telemetry.span(
    spanNames.incident(queue),
    attributes,
    (span) =>
      work(({ result, incident, attacks }) =>
        span.set({
          [names.outcome]: result.outcome,
          ...(result.outcome === 'dead-lettered' ? { [names.reason]: result.reason } : {}),
          ...('failure' in result
            ? { [names.dependency]: result.failure.dependency, [names.errorType]: result.failure.code }
            : {}),
          ...(incident ? { [names.incident]: incident.incident, [names.workspace]: workspaceArmId(incident) } : {}),
          ...(attacks.length > 0 ? { [names.attacks]: attacks } : {}),
        }),
      ),
    { kind: 'consumer', traceparent: traceparentIn(delivery.message.applicationProperties) },
  )
}

/** The measurement of a message that was settled. */
export function recordSettled(telemetry: Telemetry, delivery: Delivery, { result }: Enrichment, now: number): void {
  const enqueuedAt = delivery.message.enqueuedTimeUtc?.getTime()
  telemetry.settled({
    outcome: result.outcome,
    reason: result.outcome === 'dead-lettered' ? result.reason : undefined,
    dependency: 'failure' in result ? result.failure.dependency : undefined,
    ms: now - delivery.receivedAtMs,
    // The broker's clock is another than this one.
    queuedMs: enqueuedAt === undefined ? undefined : Math.max(0, delivery.receivedAtMs - enqueuedAt),
    attempt: delivery.attempt,
  })
}

/** The properties by which a delayed copy carries the trace on. */
export function tracePropertiesOf(telemetry: Telemetry): Record<string, string> {
  const traceparent = telemetry.traceparent()
  return traceparent ? { traceparent, 'Diagnostic-Id': traceparent } : {}
}
