import { Failure } from '../../shared/failure.ts'
import { estimateCostUsd } from '../budget/prices.ts'
import type { ModelConfiguration } from '../configuration.ts'
import { ContentRefusal } from '../conversation/content-refusal.ts'
import type { ModelAnswer, ModelClient } from '../conversation/model-client.ts'
import type { Telemetry } from './telemetry.ts'
import { attributeNames as names, spanNames } from './telemetry-names.ts'

/** The model, each call of which is a span and a measurement. Prompts and answers are in neither. */
export function traceModel(model: ModelClient, configuration: ModelConfiguration, telemetry: Telemetry): ModelClient {
  const url = new URL(configuration.baseUrl)
  const port = Number(url.port) || (url.protocol === 'http:' ? 80 : 443)
  const provider = configuration.provider === 'azure' ? 'azure.ai.openai' : 'openai'
  return {
    complete: (request, signal) => {
      const attributes = {
        [names.operation]: 'chat',
        [names.provider]: provider,
        [names.requestModel]: request.model,
        [names.maxTokens]: request.maxCompletionTokens,
        [names.serverAddress]: url.hostname,
        [names.serverPort]: port,
      }
      const called = (startedAt: number, answer: ModelAnswer | undefined, error: unknown) =>
        telemetry.modelCalled({
          provider,
          model: request.model,
          workspace: request.workspace,
          server: { host: url.hostname, port },
          seconds: (performance.now() - startedAt) / 1000,
          promptTokens: answer?.promptTokens ?? 0,
          completionTokens: answer?.completionTokens ?? 0,
          cachedTokens: answer?.cachedTokens ?? 0,
          costUsd:
            answer && estimateCostUsd(request.model, answer.promptTokens, answer.completionTokens, answer.cachedTokens),
          errorType: error === undefined ? undefined : error instanceof Failure ? error.code : 'Error',
          refusal: refusalOf(answer, error),
        })
      return telemetry.span(
        spanNames.chat(request.model),
        attributes,
        async (span) => {
          const startedAt = performance.now()
          try {
            const answer = await model.complete(request, signal)
            span.set({
              [names.finishReasons]: [answer.finishReason.slice(0, 40)],
              [names.inputTokens]: answer.promptTokens,
              [names.outputTokens]: answer.completionTokens,
              [names.cachedTokens]: answer.cachedTokens,
            })
            called(startedAt, answer, undefined)
            return answer
          } catch (error) {
            called(startedAt, undefined, error)
            throw error
          }
        },
        { kind: 'client' },
      )
    },
  }
}

function refusalOf(answer: ModelAnswer | undefined, error: unknown): string | undefined {
  if (error instanceof ContentRefusal) return 'content_filter'
  return answer?.finishReason === 'refusal' || answer?.finishReason === 'content_filter'
    ? answer.finishReason
    : undefined
}
