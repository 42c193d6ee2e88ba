import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { planExchanges, transcriptOf } from '../../worker/conversation/converse.ts'
import { loadPlaybook, PlaybookError, parsePlaybook } from '../../worker/playbooks/load-playbook.ts'
import { headline } from '../../worker/playbooks/templates.ts'
import { incidentContext, needsAlerts } from '../../worker/sentinel/incident-context.ts'

const shipped = (name: string) => fileURLToPath(new URL(`../../worker/playbooks/${name}.yaml`, import.meta.url))
const incident = (properties: object) => ({
  properties: { title: 'T', severity: 'High', status: 'New', ...properties },
})

describe('the default playbook', () => {
  it('asks once for three steps, then for each with the first exchange in front', () => {
    const playbook = loadPlaybook(shipped('recommended-steps'))
    const exchanges = planExchanges(playbook)
    assert.deepEqual(
      exchanges.map((one) => one.key),
      ['plan/1', 'step/1', 'step/2', 'step/3'],
    )
    const context = incidentContext(incident({ description: 'DESCRIPTION' }), [], [])
    const answers = new Map([['plan/1', { text: 'PLAN', promptTokens: 1, completionTokens: 1, cachedTokens: 0 }]])
    const [plan, , second] = exchanges
    assert.ok(plan && second)
    const first = transcriptOf(plan, playbook, context, answers)
    const followUp = transcriptOf(second, playbook, context, answers)
    assert.deepEqual(
      first.map((one) => one.role),
      ['system', 'user'],
    )
    assert.match(first[1]?.content ?? '', /DESCRIPTION/)
    assert.deepEqual(followUp.slice(0, 2), first)
    assert.deepEqual(followUp[2], { role: 'assistant', content: 'PLAN' })
    assert.match(followUp[3]?.content ?? '', /step 2 alone/)
  })
})

describe('a playbook with mistakes', () => {
  it('is refused with file, line and field of each', () => {
    const source =
      'name: Bad Name\nversion: 1\nmodel: m\ntag: t\nsystem: s\nsurplus: 1\nturns:\n  - name: a\n    prompt: p\n    maxCompletionTokens: 1\n'
    assert.throws(
      () => parsePlaybook(source, 'my.yaml'),
      (error) => {
        assert.ok(error instanceof PlaybookError)
        assert.ok(error.problems.length >= 3)
        assert.match(error.problems.join('\n'), /my\.yaml:1 name must be/)
        assert.match(error.problems.join('\n'), /my\.yaml:10 turns\[0\]\.maxCompletionTokens/)
        assert.match(error.problems.join('\n'), /surplus/)
        return true
      },
    )
  })
  it('tells the line inside a template', () => {
    const source =
      'name: ok\nversion: 1\nmodel: m\ntag: t\nsystem: s\nturns:\n  - name: a\n    prompt: |\n      first\n      {{ incident.nope }}\n    maxCompletionTokens: 100\n    comment: "{{ answer }}"\n'
    assert.throws(() => parsePlaybook(source, 'my.yaml'), /my\.yaml:10 turns\[0\]\.prompt there is no "incident\.nope"/)
  })
  it('does not expand YAML aliases', () => {
    assert.throws(() => parsePlaybook('a: &a [x]\nb: [*a, *a]', 'my.yaml'), /aliases/)
  })
})

describe('an incident without a description', () => {
  it("uses its alerts' descriptions, else title and tactics", () => {
    const bare = incident({ additionalData: { tactics: ['Impact'], alertsCount: 1 } })
    assert.equal(needsAlerts(bare), true)
    const alerts = [
      { properties: { description: 'one' } },
      { properties: { description: 'one' } },
      { properties: { alertDisplayName: 'two' } },
    ]
    assert.equal(incidentContext(bare, alerts, []).description, 'one\ntwo')
    assert.equal(incidentContext(bare, [], []).description, 'T (tactics: Impact)')
    assert.equal(incidentContext(incident({}), [], []).description, 'T')
  })
})

describe('headline', () => {
  const cases: Record<string, string> = {
    '**Check the host**\n\nDo it.': 'Check the host',
    '1. **Review sign-ins** - look': 'Review sign-ins - look',
    '## Step 2: Isolate the server\ntext': 'Isolate the server',
    'Look at the mailbox rules. Then call.': 'Look at the mailbox rules',
    '---\n\n': '',
  }
  for (const [text, title] of Object.entries(cases)) it(JSON.stringify(text), () => assert.equal(headline(text), title))
})
