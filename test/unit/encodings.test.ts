import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { countTokens } from '../../worker/budget/count-tokens.ts'
import { encodingOf } from '../../worker/budget/encodings/encoding.ts'

const texts = [
  'Multi-stage incident involving initial access on one endpoint',
  'Опасный вход из необычного места: 10.0.0.4 → контроллер домена',
  '管理者アカウントへの不審なサインイン',
  '<|endoftext|> powershell -enc SQBFAFgAIAAoAE4AZQB3AC0ATwBiAGoAZQBjAHQA',
]
const asText = { disallowedSpecial: new Set<string>() }

describe('the encoding follows the model', () => {
  // The library's own table of models, asked for each model's module.
  for (const model of [
    'gpt-3.5-turbo',
    'gpt-3.5-turbo-0125',
    'gpt-4',
    'gpt-4-turbo',
    'gpt-4-0613',
    'gpt-4o',
    'gpt-4o-mini',
    'gpt-4.1-mini',
    'gpt-5',
    'o3-mini',
  ]) {
    it(`${model} counts as the tokenizer's own table says`, async () => {
      const { encode } = (await import(`gpt-tokenizer/model/${model}`)) as typeof import('gpt-tokenizer/model/gpt-4o')
      for (const text of texts) assert.equal(countTokens(text, encodingOf(model)), encode(text, asText).length)
    })
  }

  it("Azure's spelling is known, and a deployment's own name counts as a new model", () => {
    assert.equal(encodingOf('gpt-35-turbo'), 'cl100k-base')
    assert.equal(encodingOf('GPT-4'), 'cl100k-base')
    assert.equal(encodingOf('soc-enrichment'), 'o200k-base')
  })

  it('the two encodings differ where it matters', () => {
    assert.ok(texts.some((text) => countTokens(text, 'cl100k-base') !== countTokens(text, 'o200k-base')))
  })
})
