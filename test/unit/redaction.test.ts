import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Redactor } from '../../worker/untrusted/redact.ts'
import { harmlessExamples, secretExamples } from '../fixtures/secret-examples.ts'
import type { SecretExample } from '../fixtures/secret-generator.ts'
import {
  firstHarmless,
  firstSecrets,
  secondHarmless,
  secondSecrets,
  thirdHarmless,
  thirdSecrets,
} from '../fixtures/unseen-secrets.ts'

describe('secrets are taken out of incident text', () => {
  /** What was missed and what was changed for nothing, and both as figures. */
  function measure(secrets: readonly SecretExample[], harmless: readonly string[]) {
    const missed = secrets.filter(({ secret, text }) => new Redactor().redact(text).includes(secret))
    const changed = harmless.filter((text) => new Redactor().redact(text) !== text)
    const found = secrets.length - missed.length
    const percent = (share: number) => `${(share * 100).toFixed(1)} %`
    const told =
      `recall ${percent(found / secrets.length)} (${found} of ${secrets.length} secrets), ` +
      `precision ${percent(found / (found + changed.length))} (${changed.length} of ${harmless.length} harmless texts changed)`
    return { missed: missed.map((one) => one.text), changed, told }
  }

  it('all of the kinds that the patterns are for, and nothing that only looks like one', (t) => {
    const { missed, changed, told } = measure(secretExamples, harmlessExamples)
    t.diagnostic(told)
    assert.deepEqual([missed, changed], [[], []])
  })

  /** What SECURITY.md says of each round: how many are missed, and how many harmless texts are changed. */
  const rounds: [string, readonly SecretExample[], readonly string[], missed: number, changed: number][] = [
    ['the first round, mended since', firstSecrets, firstHarmless, 0, 0],
    ['the second round, mended since', secondSecrets, secondHarmless, 0, 0],
    ['the third round, as it was measured', thirdSecrets, thirdHarmless, 17, 1],
  ]
  for (const [name, secrets, harmless, mayMiss, mayChange] of rounds) {
    it(`and of texts that the patterns were not made for: ${name}`, (t) => {
      const { missed, changed, told } = measure(secrets, harmless)
      t.diagnostic(told)
      for (const text of [...missed, ...changed]) t.diagnostic(text)
      assert.deepEqual([missed.length, changed.length], [mayMiss, mayChange])
    })
  }

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
