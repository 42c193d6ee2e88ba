/**
 * Every name that telemetry has, in one place. The GenAI ones are OpenTelemetry's: the set of semantic conventions 1.41, which
 * dashboards read today, and the newer one of `open-telemetry/semantic-conventions-genai`, chosen by the standard opt-in
 * `OTEL_SEMCONV_STABILITY_OPT_IN=gen_ai_latest_experimental`.
 */

export const spanNames = {
  /** One message, from its arrival to its settlement. */
  incident: (queue: string) => `process ${queue}`,
  settle: (queue: string) => `settle ${queue}`,
  turn: (turn: string) => `turn ${turn}`,
  chat: (model: string) => `chat ${model}`,
  sentinel: (operation: string) => `sentinel ${operation}`,
} as const

export const attributeNames = {
  outcome: 'enricher.outcome',
  reason: 'enricher.dead_letter.reason',
  dependency: 'enricher.dependency',
  incident: 'enricher.incident',
  workspace: 'enricher.workspace',
  attempt: 'enricher.attempt',
  copies: 'enricher.copies',
  turn: 'enricher.turn',
  step: 'enricher.step',
  circuit: 'enricher.circuit',
  scope: 'enricher.budget.scope',
  attacks: 'enricher.attacks',
  refusal: 'enricher.refusal',
  errorType: 'error.type',
  serverAddress: 'server.address',
  serverPort: 'server.port',
  messagingSystem: 'messaging.system',
  messagingOperationName: 'messaging.operation.name',
  messagingOperationType: 'messaging.operation.type',
  messagingDestination: 'messaging.destination.name',
  messagingMessageId: 'messaging.message.id',
  messagingDeliveryCount: 'messaging.servicebus.message.delivery_count',
  messagingDisposition: 'messaging.servicebus.disposition_status',
  operation: 'gen_ai.operation.name',
  provider: 'gen_ai.provider.name',
  requestModel: 'gen_ai.request.model',
  maxTokens: 'gen_ai.request.max_tokens',
  finishReasons: 'gen_ai.response.finish_reasons',
  inputTokens: 'gen_ai.usage.input_tokens',
  outputTokens: 'gen_ai.usage.output_tokens',
  cachedTokens: 'gen_ai.usage.cache_read.input_tokens',
  conversation: 'gen_ai.conversation.id',
  tokenType: 'gen_ai.token.type',
} as const

/** The worker's own metrics, with unit and meaning. */
export const metricNames = {
  settled: ['enricher.messages.settled', '{message}', 'Messages by outcome'],
  deadLetters: ['enricher.dead_letters', '{message}', 'Dead letters by reason and dependency'],
  inFlight: ['enricher.incidents.in_flight', '{incident}', 'Incidents being worked on'],
  queueTime: ['enricher.message.queue_time', 's', 'From enqueueing to arrival at the worker'],
  duration: ['enricher.enrichment.duration', 's', 'From arrival to settlement, by outcome'],
  timeToEnrichment: ['enricher.enrichment.time', 's', 'From enqueueing to the tag, of enriched incidents'],
  attempts: ['enricher.message.attempts', '{attempt}', 'Failed attempts that a message had when it left for good'],
  calls: ['enricher.model.calls', '{call}', 'Calls of the model, by result'],
  tokens: ['enricher.model.tokens', '{token}', 'Tokens that the model charged, by workspace'],
  cost: ['enricher.model.cost', 'USD', 'Cost at list prices by workspace, where the model has a price'],
  refusals: ['enricher.model.refusals', '{refusal}', 'Refusals of the content filter or the model'],
  reservationWait: ['enricher.budget.wait', 's', 'How long calls waited for their reservation'],
  budgetLeft: ['enricher.budget.left', '{token}', 'What is left of a shared budget'],
  circuit: ['enricher.circuit.state', '1', '0 closed, 1 half open, 2 open'],
  leaseRenewals: ['enricher.lease.renewals', '{renewal}', 'Message locks renewed'],
  leaseLosses: ['enricher.lease.losses', '{loss}', 'Message locks lost'],
} as const satisfies Record<string, readonly [name: string, unit: string, description: string]>

/** Semantic conventions 1.41: histograms. */
export const genAiMetrics = {
  tokens: 'gen_ai.client.token.usage',
  duration: 'gen_ai.client.operation.duration',
} as const

/** The newer set: counters of tokens, and histograms per operation. */
export const latestGenAiMetrics = {
  inputTokens: 'gen_ai.client.inference.usage.input_tokens',
  outputTokens: 'gen_ai.client.inference.usage.output_tokens',
  cachedTokens: 'gen_ai.client.inference.usage.cache_read.input_tokens',
  inputPerOperation: 'gen_ai.client.inference.operation.input_tokens',
  outputPerOperation: 'gen_ai.client.inference.operation.output_tokens',
  duration: 'gen_ai.client.inference.duration',
} as const
