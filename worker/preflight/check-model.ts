import type { TokenCredential } from '@azure/identity'
import { asFailure } from '../../shared/failure.ts'
import type { ModelConfiguration } from '../configuration.ts'
import { boundedFetch } from '../conversation/bounded-fetch.ts'
import { createModelClient } from '../conversation/model-client.ts'
import { type CheckResult, grantCommand, roles } from './check-result.ts'

const what = 'model'

/** One call of a few tokens: that the model answers, which token parameter it takes, and which limits it tells. */
export async function checkModel(
  configuration: ModelConfiguration,
  model: string,
  credential: () => TokenCredential,
  principal: string | undefined,
  signal: AbortSignal,
): Promise<CheckResult[]> {
  const seen = { parameter: 'none', headers: [] as string[] }
  const watching: typeof fetch = async (url, options) => {
    if (typeof options?.body === 'string') {
      seen.parameter = /"(max_completion_tokens|max_tokens)"\s*:/.exec(options.body)?.[1] ?? 'none'
    }
    const response = await boundedFetch(url, options)
    seen.headers = [...response.headers]
      .filter(([name]) => name.startsWith('x-ratelimit-'))
      .map(([name, value]) => `${name.slice('x-ratelimit-'.length)} ${value}`)
    return response
  }
  const startedAt = performance.now()
  try {
    const answer = await createModelClient(configuration, credential, watching).complete(
      {
        model,
        messages: [{ role: 'user', content: 'Answer with the word ready.' }],
        maxCompletionTokens: 16,
        temperature: undefined,
        reasoningEffort: undefined,
        schema: undefined,
      },
      signal,
    )
    const ms = Math.round(performance.now() - startedAt)
    const tokens = `${answer.promptTokens} + ${answer.completionTokens} tokens`
    return [
      { what, status: 'passed', says: `${model} answered in ${ms} ms (${tokens}), and takes ${seen.parameter}` },
      seen.headers.length > 0
        ? { what: 'model limits', status: 'passed', says: seen.headers.join(', ') }
        : {
            what: 'model limits',
            status: 'warning',
            says: 'it tells no rate limits in its headers',
            todo: "Set TOKENS_PER_MINUTE and REQUESTS_PER_MINUTE to the deployment's quota.",
          },
    ]
  } catch (error) {
    const failure = asFailure(error)
    const identity = failure.dependency === 'identity' || (failure.code === 'HTTP_403' && !configuration.apiKey)
    return [
      {
        what,
        status: 'failed',
        says: `${model}: ${failure.message} (${failure.code})`,
        ...(identity ? { todo: grantCommand(roles.openai, '<id of the Azure OpenAI resource>', principal) } : {}),
      },
    ]
  }
}
