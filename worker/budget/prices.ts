/** What a model costs, in US dollars per million tokens. */
export interface ModelPrice {
  input: number
  /** Prompt tokens that the provider found in its cache. */
  cachedInput: number
  output: number
}

export type PriceTable = Readonly<Record<string, ModelPrice>>

/**
 * List prices for short prompts, as @pydantic/genai-prices 0.1.8 has them; `test/unit/prices.test.ts` compares the two. A
 * contract's own prices are handed to `estimateCostUsd`.
 */
export const listPrices: PriceTable = {
  'gpt-4.1': { input: 2, cachedInput: 0.5, output: 8 },
  'gpt-4.1-mini': { input: 0.4, cachedInput: 0.1, output: 1.6 },
  'gpt-4.1-nano': { input: 0.1, cachedInput: 0.025, output: 0.4 },
  'gpt-4o': { input: 2.5, cachedInput: 1.25, output: 10 },
  'gpt-4o-mini': { input: 0.15, cachedInput: 0.075, output: 0.6 },
  'gpt-5': { input: 1.25, cachedInput: 0.125, output: 10 },
  'gpt-5-mini': { input: 0.25, cachedInput: 0.025, output: 2 },
  'gpt-5-nano': { input: 0.05, cachedInput: 0.005, output: 0.4 },
  'gpt-5.1': { input: 1.25, cachedInput: 0.125, output: 10 },
  'gpt-5.2': { input: 1.75, cachedInput: 0.175, output: 14 },
  'gpt-5.3': { input: 1.75, cachedInput: 0.175, output: 14 },
  'gpt-5.4': { input: 2.5, cachedInput: 0.25, output: 15 },
  'gpt-5.4-mini': { input: 0.75, cachedInput: 0.075, output: 4.5 },
  'gpt-5.4-nano': { input: 0.2, cachedInput: 0.02, output: 1.25 },
  o3: { input: 2, cachedInput: 0.5, output: 8 },
  'o3-mini': { input: 1.1, cachedInput: 0.55, output: 4.4 },
  'o4-mini': { input: 1.1, cachedInput: 0.275, output: 4.4 },
}

/** The price of a model, also by its dated name (`gpt-4.1-mini-2025-04-14`); undefined for one that the table lacks. */
export function priceOf(model: string, prices: PriceTable = listPrices): ModelPrice | undefined {
  const name = model.toLowerCase()
  const undated = name.replace(/-\d{4}-\d{2}-\d{2}$/, '')
  return [name, undated].filter((one) => Object.hasOwn(prices, one)).map((one) => prices[one])[0]
}

/**
 * What tokens cost at list price, in US dollars; undefined when the model's price is not known, as with an Azure deployment
 * of a free name.
 *
 * @param cachedTokens how many of the prompt's tokens came from the provider's cache
 */
export function estimateCostUsd(
  model: string,
  promptTokens: number,
  completionTokens: number,
  cachedTokens = 0,
  prices: PriceTable = listPrices,
): number | undefined {
  const price = priceOf(model, prices)
  if (!price) return undefined
  const cached = Math.min(cachedTokens, promptTokens)
  return (
    ((promptTokens - cached) * price.input + cached * price.cachedInput + completionTokens * price.output) / 1_000_000
  )
}
