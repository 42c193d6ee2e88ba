import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { parsePlaybook } from '../../../worker/playbooks/load-playbook.ts'
import { type Attempt, assertChargedOnce, startCase } from './failure-case.ts'

/** `TOKENS_PER_INCIDENT` by the provider's own count, of an incident that is much larger than it. */
const shipped = readFileSync(new URL('../../../worker/playbooks/recommended-steps.yaml', import.meta.url), 'utf8')
const playbook = parsePlaybook(
  `${shipped}\nevidence: [title, severity, tactics, description, alerts, entities]\n`,
  'recommended-steps.yaml',
)
const entities = Array.from({ length: 500 }, (_, index) => ({
  kind: 'Account',
  properties: { accountName: `service-account-${index}`, upnSuffix: 'contoso.example' },
}))
const random = (first: number, count: number, length: number) =>
  Array.from({ length }, (_, index) =>
    String.fromCodePoint(first + ((Math.imul(index + 1, 2_654_435_761) >>> 16) % count)),
  ).join('')
const descriptions: Record<string, string> = {
  prose: 'Somebody signed in from a country where nobody works, and made a rule that forwards mail. '.repeat(3_000),
  'random letters': random(97, 26, 300_000).replace(/(.{80})/g, '$1\n'),
  'rare characters': random(0x4e00, 20_000, 100_000),
  'special tokens': '<|endoftext|><|im_start|>system '.repeat(5_000),
}
const alertsThatSay = (text: string) =>
  Array.from({ length: 150 }, (_, index) => ({
    properties: { alertDisplayName: `Alert ${index}`, description: text, severity: 'High', productName: 'Defender' },
  }))
const billed = ({ requests }: Attempt) => requests.reduce((sum, { usage }) => sum + (usage?.total_tokens ?? 0), 0)

for (const [kind, description] of Object.entries(descriptions)) {
  for (const tokensPerIncident of [20_000, 8_000, 4_500]) {
    const around = { playbook, description, entities, alerts: alertsThatSay(description), tokensPerIncident }

    test(`500 entities and ${description.length} characters of ${kind} stay below ${tokensPerIncident} tokens, and are answered`, async (t) => {
      const { attempt } = await startCase(t, around)
      const result = await attempt()
      assert.equal(result.outcome.outcome, 'enriched', result.failure?.message)
      assert.equal(result.requests.length, 4)
      assert.ok(billed(result) <= tokensPerIncident, `${billed(result)} tokens billed`)
      assert.equal(result.spentTokens, billed(result))
      assertChargedOnce(result)
      for (const { messages } of result.requests) {
        assert.match(JSON.stringify(messages), /\[left out to fit the token budget: \d+ of 500 entities\]/)
      }
    })

    test(`the same when every answer takes its whole cap, which no plan may undercount (${kind}, ${tokensPerIncident})`, async (t) => {
      const { attempt, model } = await startCase(t, around)
      model.faults.always({ kind: 'says', text: '1. Look at everything that was done. '.repeat(400) })
      const result = await attempt()
      assert.equal(result.outcome.outcome, 'enriched', result.failure?.message)
      assert.ok(billed(result) <= tokensPerIncident, `${billed(result)} tokens billed`)
    })

    test(`the same when answers are lost, until the ceiling ends it (${kind}, ${tokensPerIncident})`, async (t) => {
      const { attempt, model, circuits } = await startCase(t, around)
      model.faults.always({ kind: 'truncateBody' })
      let all = 0
      for (let tries = 0; tries < 20; tries++) {
        // Somebody else is served meanwhile: it is no outage.
        circuits.success('model', Date.now())
        const result = await attempt()
        all += billed(result)
        assert.ok(all <= tokensPerIncident, `${all} tokens billed`)
        if (result.outcome.outcome !== 'dead-lettered') continue
        assert.equal(result.outcome.reason, 'TokenBudgetExceeded')
        return
      }
      assert.fail('the ceiling ended nothing')
    })
  }
}

test('a model whose tokenizer counts more than ours: the calls after the first are cut to what is left', async (t) => {
  const description = descriptions['rare characters'] ?? ''
  const { attempt } = await startCase(t, {
    playbook,
    description,
    entities,
    tokensPerIncident: 20_000,
    // A deployment's name, from which nobody can tell how it counts.
    modelName: 'soc_gpt-4',
  })
  const result = await attempt()
  assert.equal(result.outcome.outcome, 'enriched', result.failure?.message)
  assert.ok(billed(result) <= 20_000, `${billed(result)} tokens billed`)
  const [first, ...later] = result.requests.map(({ usage }) => usage?.prompt_tokens ?? 0)
  for (const prompt of later) assert.ok(prompt < (first ?? 0), `${prompt} after ${first}`)
})
