import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { calcPrice } from '@pydantic/genai-prices'
import { estimateCostUsd, listPrices, priceOf } from '../../worker/budget/prices.ts'

describe('the price table', () => {
  it('says what an independent price list says, for every model and kind of token', () => {
    for (const [model, price] of Object.entries(listPrices)) {
      const cost = (usage: Parameters<typeof calcPrice>[0]) => {
        const found = calcPrice(usage, model, { providerId: 'openai' })
        assert.ok(found, `${model} is on no list`)
        // A thousand tokens: some models cost more above a prompt of hundreds of thousands.
        return Number((found.total_price * 1_000).toFixed(6))
      }
      assert.deepEqual(
        {
          input: cost({ input_tokens: 1_000, output_tokens: 0 }),
          cachedInput: cost({ input_tokens: 1_000, cache_read_tokens: 1_000, output_tokens: 0 }),
          output: cost({ input_tokens: 0, output_tokens: 1_000 }),
        },
        price,
        model,
      )
    }
  })

  it('is in dollars for tokens, with the cached share of the prompt at its own price', () => {
    assert.equal(estimateCostUsd('gpt-4.1-mini', 1_000_000, 0), 0.4)
    assert.equal(estimateCostUsd('gpt-4.1-mini', 1_000_000, 1_000_000), 2)
    assert.equal(estimateCostUsd('gpt-4.1-mini', 1_000_000, 0, 1_000_000), 0.1)
  })

  it('knows dated names, prefers prices that are handed in, and knows nothing of a deployment of a free name', () => {
    assert.deepEqual(priceOf('GPT-4.1-mini-2025-04-14'), listPrices['gpt-4.1-mini'])
    assert.equal(estimateCostUsd('soc-model', 10, 10), undefined)
    assert.equal(priceOf('constructor'), undefined)
    const own = { 'soc-model': { input: 1, cachedInput: 1, output: 3 } }
    assert.equal(estimateCostUsd('soc-model', 1_000_000, 1_000_000, 0, own), 4)
  })
})
