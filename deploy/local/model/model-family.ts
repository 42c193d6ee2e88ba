/** What follows from a model's name. An Azure deployment may be called anything: then it is a plain model. */
export interface ModelFamily {
  encoding: 'o200k_base' | 'cl100k_base'
  /** Thinks before it answers, refuses `max_tokens` and any temperature but 1. */
  reasoning: boolean
  /** GPT-5.1 and later take a temperature when `reasoning_effort` is `none`. */
  temperatureWithoutReasoning: boolean
}

export function modelFamily(model: string): ModelFamily {
  const name = model.toLowerCase()
  const reasoning = /^(o1|o3|o4|gpt-5|gpt-6)/.test(name) && !name.includes('-chat')
  // A deployment often carries its model's name after its own.
  const oldEncoding = /(^|_)gpt-(3\.5|35|4($|-(?!o)))/.test(name)
  return {
    encoding: oldEncoding ? 'cl100k_base' : 'o200k_base',
    reasoning,
    temperatureWithoutReasoning: /^gpt-(5\.\d|6)/.test(name),
  }
}

const effortTokens: Record<string, number> = {
  none: 0,
  minimal: 0,
  low: 64,
  medium: 192,
  high: 512,
  xhigh: 1024,
  max: 2048,
}

/** Reasoning tokens that a model spends before its answer: by effort, and a little by the request (`seed`). */
export function reasoningTokens(family: ModelFamily, effort: string | undefined, seed: number): number {
  if (!family.reasoning) return 0
  const base = effortTokens[effort ?? 'medium'] ?? 192
  return base === 0 ? 0 : base + (seed % 4) * 16
}
