import { type ApiFailure, modelFailure } from './api-failure.ts'
import type { FilterCategory } from './fault.ts'

const severities = ['hate', 'sexual', 'violence', 'self_harm'] as const
const promptShields = ['jailbreak', 'indirect_attack'] as const

/** Azure's verdict on a text; `hit` is the category that made the filter act. */
export function filterResults(of: 'prompt' | 'completion', hit?: FilterCategory): Record<string, unknown> {
  const results: Record<string, unknown> = {}
  for (const category of severities) {
    results[category] =
      category === hit ? { filtered: true, severity: 'medium' } : { filtered: false, severity: 'safe' }
  }
  if (of === 'completion') return results
  for (const shield of promptShields) results[shield] = { filtered: shield === hit, detected: shield === hit }
  return results
}

/** What a completion carries when the filter itself failed: its text went through unfiltered. */
export const filterFailed = { error: { code: 'content_filter_error', message: 'The contents are not filtered' } }

/** Azure's 400 for a prompt that its filter refused. */
export function filteredPrompt(category: FilterCategory): ApiFailure {
  const message =
    "The response was filtered due to the prompt triggering Azure OpenAI's content management policy. Please modify your prompt and retry."
  const innererror = { code: 'ResponsibleAIPolicyViolation', content_filter_result: filterResults('prompt', category) }
  return modelFailure(400, { message, type: null, param: 'prompt', code: 'content_filter', status: 400, innererror })
}
