import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { planExchanges, transcriptOf } from '../../worker/conversation/converse.ts'
import { loadPlaybook } from '../../worker/playbooks/load-playbook.ts'
import type { Alert, Entity, Incident } from '../../worker/sentinel/incident.ts'
import { incidentContext } from '../../worker/sentinel/incident-context.ts'
import {
  maxCommentLength,
  maxTaskDescriptionLength,
  renderComment,
  renderTaskDescription,
  renderTitle,
} from '../../worker/sentinel/render.ts'
import { IncidentGuard } from '../../worker/untrusted/incident-guard.ts'
import { adversarialCases } from '../fixtures/adversarial-cases.ts'
import { secretExamples } from '../fixtures/secret-examples.ts'
import { assertSafeHtml, assertSafeTitle } from '../harness/safe-html.ts'
import { openSealedPrompt } from '../harness/sealed-prompt.ts'

const playbook = loadPlaybook(fileURLToPath(new URL('../../worker/playbooks/recommended-steps.yaml', import.meta.url)))
const [plan] = planExchanges(playbook)
assert.ok(plan)

interface Recorded {
  incident: Incident
  alerts: Alert[]
  entities: Entity[]
}
const samples = new URL('../../../shared/data/incidents.jsonl', import.meta.url)
const recorded: Recorded[] = existsSync(samples)
  ? readFileSync(samples, 'utf8')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Recorded)
  : []
const own: Recorded = {
  incident: {
    properties: {
      title: 'Password spray from 203.0.113.45',
      description: 'From 203.0.113.45.',
      severity: 'High',
      status: 'New',
    },
  },
  alerts: [],
  entities: [],
}
const invisible = /(?!\n)[\p{Cc}\u200B\u200E\u200F\u202A-\u202E\u2060-\u2069\uE000\uE001\uFEFF\u{E0000}-\u{E01EF}]/u

/** An incident with the text in every place that somebody outside can write. */
function withText({ incident, alerts, entities }: Recorded, text: string): Recorded {
  return {
    incident: {
      ...incident,
      properties: {
        ...incident.properties,
        title: `${text.slice(0, 200)} ${incident.properties.title}`,
        description: `${incident.properties.description ?? ''}\n${text}`,
      },
    },
    alerts: [
      { properties: { alertDisplayName: text, description: text, severity: text, productName: text, tactics: [text] } },
      ...alerts,
    ],
    entities: [{ kind: 'Process', properties: { commandLine: text } }, ...entities],
  }
}

describe(`${adversarialCases.length} adversarial texts in an incident`, () => {
  it('there are at least 60, each of them different', () => {
    assert.ok(adversarialCases.length >= 60)
    assert.equal(new Set(adversarialCases.map((one) => one.text)).size, adversarialCases.length)
  })

  for (const { name, text, sign } of adversarialCases) {
    it(`${name}: stays data inside its delimiter, bounded, and leaves nothing invisible`, () => {
      const { incident, alerts, entities } = withText(own, text)
      const context = incidentContext(incident, alerts, entities)
      const [system, user] = transcriptOf(plan, playbook, context, new Map())
      const { evidence, before } = openSealedPrompt(user?.content ?? '')
      assert.deepEqual(Object.keys(evidence), ['title', 'severity', 'description'])
      assert.equal(evidence.severity, 'High')
      assert.doesNotMatch(user?.content ?? '', invisible)
      assert.ok(Buffer.byteLength(user?.content ?? '') < 24_000)
      assert.ok((user?.content ?? '').isWellFormed())
      assert.match(before, /Recommend 3 steps/)
      const bare = transcriptOf(plan, playbook, incidentContext(own.incident, [], []), new Map())[0]
      const withoutCanary = (content = '') => content.replace(/Internal reference \w+/, '')
      assert.equal(withoutCanary(system?.content), withoutCanary(bare?.content), 'the system role holds nothing of it')
      assert.equal(context.guard.attacks.has('delimiter'), sign === true)
    })

    it(`${name}: as an answer it becomes harmless text, and the next turn's data`, () => {
      const guard = new IncidentGuard()
      const clean = guard.cleanAnswer(text)
      assert.equal(guard.cleanAnswer(clean), clean)
      assert.doesNotMatch(clean, /<\|im_start\|>|<<(DATA|END)-/)
      for (const answer of [clean, text, `1. ${text}`, `> ${text}`, `**${text}**`, `\`${text}\``, `\`\`\`\n${text}`]) {
        assertSafeHtml(
          renderTaskDescription(answer, () => false),
          maxTaskDescriptionLength,
          name,
        )
        assertSafeHtml(
          renderComment(answer, () => true),
          maxCommentLength,
          name,
        )
        assertSafeTitle(
          renderTitle(answer, () => false),
          name,
        )
      }
    })
  }
})

describe('the same on real rules', {
  skip: recorded.length > 0 ? false : 'the sample incidents are not here (../shared/data)',
}, () => {
  it(`${recorded.length} incidents, each with one of the texts and one of the secrets in it`, () => {
    recorded.forEach((one, index) => {
      const attack = adversarialCases[index % adversarialCases.length]
      const planted = secretExamples[index % secretExamples.length]
      assert.ok(attack && planted)
      const { incident, alerts, entities } = withText(one, `${planted.text}\n${attack.text}`)
      const context = incidentContext(incident, alerts, entities)
      const user = transcriptOf(plan, playbook, context, new Map())[1]?.content ?? ''
      const { json } = openSealedPrompt(user)
      assert.ok(
        !JSON.stringify(context).includes(JSON.stringify(planted.secret).slice(1, -1)),
        `${planted.text} in ${index}`,
      )
      assert.doesNotMatch(json, invisible)
      assert.equal(context.guard.attacks.has('delimiter'), attack.sign === true, attack.name)
      assertSafeHtml(renderTaskDescription(context.description), maxTaskDescriptionLength, attack.name)
    })
  })

  it('untouched incidents lose nothing: no text changes but for line ends and blanks, nothing is redacted, nothing is an attack', () => {
    const plain = (text: string | null | undefined) =>
      (text ?? '')
        .replace(/\r\n?/g, '\n')
        .replace(/[\t\u00A0]/g, ' ')
        .normalize('NFC')
        .trim()
    for (const { incident, alerts, entities } of recorded) {
      const { guard, title, description } = incidentContext(incident, alerts, entities)
      assert.equal(title, plain(incident.properties.title))
      if (incident.properties.description) assert.equal(description, plain(incident.properties.description))
      assert.deepEqual([guard.secrets, guard.attacks.size], [0, 0])
    }
  })
})
