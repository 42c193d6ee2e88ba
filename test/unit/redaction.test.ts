import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Redactor } from '../../worker/untrusted/redact.ts'
import { harmlessExamples, secretExamples } from '../fixtures/secret-examples.ts'

describe('secrets are taken out of incident text', () => {
  it('with the recall and precision that SECURITY.md tells', (t) => {
    const missed = secretExamples.filter(({ secret, text }) => new Redactor().redact(text).includes(secret))
    const changed = harmlessExamples.filter((text) => new Redactor().redact(text) !== text)
    const found = secretExamples.length - missed.length
    const recall = found / secretExamples.length
    const precision = found / (found + changed.length)
    t.diagnostic(
      `recall ${(recall * 100).toFixed(1)} % (${found} of ${secretExamples.length} secrets), ` +
        `precision ${(precision * 100).toFixed(1)} % (${changed.length} of ${harmlessExamples.length} harmless texts changed)`,
    )
    assert.deepEqual(
      missed.map((one) => one.text),
      [],
    )
    assert.deepEqual(changed, [])
  })

  it('by placeholders that are the same for the same secret everywhere in an incident, and tell the kind', () => {
    const redactor = new Redactor()
    const [token, other] = [`ghp_${'a1B2'.repeat(9)}`, `ghp_${'c3D4'.repeat(9)}`]
    assert.equal(redactor.redact(`${token} and ${other}`), '[SECRET:github-token#1] and [SECRET:github-token#2]')
    assert.equal(redactor.redact(`again ${other}`), 'again [SECRET:github-token#2]')
    assert.equal(redactor.count, 2)
  })

  it('once: what was redacted stays as it is', () => {
    for (const { text } of secretExamples) {
      const once = new Redactor().redact(text)
      assert.equal(new Redactor().redact(once), once)
    }
  })
})
