import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { IncidentBudget } from '../../worker/budget/incident-budget.ts'
import { planExchanges, transcriptOf } from '../../worker/conversation/converse.ts'
import { fitEvidence } from '../../worker/conversation/fit-evidence.ts'
import { PromptTooLong } from '../../worker/conversation/prompt-too-long.ts'
import { parsePlaybook } from '../../worker/playbooks/load-playbook.ts'
import { cutToFit, cuttableParts, leftOut, withMarks } from '../../worker/sentinel/cut-context.ts'
import { type IncidentContext, incidentContext } from '../../worker/sentinel/incident-context.ts'
import { openSealedPrompt } from '../harness/sealed-prompt.ts'

const properties = {
  title: 'Many things at once',
  severity: 'High',
  status: 'New',
  description: 'Somebody tried many passwords, and one of them was right. '.repeat(80),
  additionalData: { tactics: ['InitialAccess', 'Impact'], techniques: ['T1078', 'T1110'] },
}
const alerts = Array.from({ length: 12 }, (_, index) => ({
  properties: {
    alertDisplayName: `Alert ${index}`,
    description: 'An alert of some words. '.repeat(4),
    severity: 'High',
  },
}))
const entities = Array.from({ length: 500 }, (_, index) => ({
  kind: 'Ip',
  properties: { address: `198.51.${index >> 8}.${index & 255}` },
}))
const whole = () => incidentContext({ properties }, alerts, entities)
const playbookOf = (more = '', step = '') =>
  parsePlaybook(
    `name: p
version: 1
model: m
tag: t
evidence: [title, severity, tactics, techniques, description, alerts, entities]
${more}
system: You help.
turns:
  - name: plan
    prompt: "Recommend steps. {{ evidence }}"
    maxCompletionTokens: 300
    comment: "{{ answer }}"
  - name: step
    continues: plan
    prompt: Give the first step alone.
    ${step}
    maxCompletionTokens: 200
    comment: "{{ answer }}"
`,
    'p.yaml',
  )

/** What is shown within so many tokens, and the first prompt of it. */
async function within(tokens: number, more = '') {
  const playbook = playbookOf(more)
  const budget = new IncidentBudget(tokens, { spentTokens: 0, calls: 0 }, 'gpt-4.1-mini')
  const { shown, capShare } = await fitEvidence(whole(), { playbook, answers: new Map(), budget })
  const [plan] = planExchanges(playbook)
  assert.ok(plan)
  const prompt = transcriptOf(plan, playbook, shown, new Map())[1]?.content ?? ''
  return { shown, capShare, prompt, evidence: openSealedPrompt(prompt).evidence }
}
/** By a size that stands for tokens, so that the order is seen without the rest. */
const sizeOf = (context: IncidentContext) => JSON.stringify(withMarks({ ...context, guard: undefined as never })).length
const cutTo = (share: number, priority = cuttableParts) => {
  const context = whole()
  return cutToFit(context, priority, async (candidate) => sizeOf(candidate) <= share * sizeOf(context))
}

describe('an incident that does not fit its tokens', () => {
  it('is left alone where it fits', async () => {
    const { shown, capShare } = await within(100_000)
    assert.deepEqual({ ...shown, guard: 0 }, { ...whole(), guard: 0 })
    assert.equal(capShare, 1)
  })

  it('loses the last part of the priority first, and the part before it only when nothing is left of that', async () => {
    let before = whole()
    for (const share of [0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2]) {
      const cut = await cutTo(share)
      assert.ok(cut, `a share of ${share}`)
      const touched = cuttableParts.filter((part) => cut[part].length < whole()[part].length)
      assert.deepEqual(touched, cuttableParts.slice(-touched.length), 'the last parts')
      for (const part of touched.slice(1)) assert.equal(cut[part].length, 0, `${part} at ${share}`)
      for (const part of cuttableParts) assert.ok(cut[part].length <= before[part].length)
      before = cut
    }
    assert.ok(before.description.length > 0 && before.description.length < whole().description.length)
    assert.equal(await cutTo(0.01), undefined)
  })

  it("keeps the list's beginning, as much of it as fits", async () => {
    const cut = await cutTo(0.9)
    assert.ok(cut && cut.entities.length > 0 && cut.entities.length < 50)
    assert.deepEqual(cut.entities, whole().entities.slice(0, cut.entities.length))
    const one = { ...cut, entities: whole().entities.slice(0, cut.entities.length + 1) }
    assert.ok(sizeOf(one) > 0.9 * sizeOf(whole()), 'one more would not fit')
  })

  it('shows a mark of what is left out as data, inside the delimiter, also where the bounds alone cut', async () => {
    const full = await within(100_000)
    assert.deepEqual((full.evidence.entities as unknown[]).at(-1), {
      kind: '',
      name: '[left out to fit the token budget: 450 of 500 entities]',
    })
    const { evidence, shown } = await within(3_000)
    assert.match(
      String(evidence.description),
      /^Somebody tried.*\[left out to fit the token budget: \d+ of 4639 characters\]$/,
    )
    assert.equal(
      (evidence.alerts as { title: string }[]).at(-1)?.title,
      '[left out to fit the token budget: 12 of 12 alerts]',
    )
    assert.deepEqual(evidence.tactics, ['[left out to fit the token budget: 2 of 2 tactics]'])
    assert.deepEqual(
      leftOut(shown).map(({ part, left }) => [part, left > 0]),
      cuttableParts.map((part) => [part, true]),
    )
    assert.equal(evidence.title, properties.title)
  })

  it('is cut in the order of the playbook, and never in a part that it does not name', async () => {
    const { shown } = await within(3_600, 'priority: [entities, description]')
    assert.deepEqual([shown.description.length, shown.alerts.length, shown.tactics.length], [0, 12, 2])
    assert.ok(shown.entities.length > 0 && shown.entities.length < 50)
    await assert.rejects(within(2_000, 'priority: []'), { reason: 'TokenBudgetExceeded' })
    assert.throws(() => playbookOf('priority: [alerts, alerts]'), /priority names a part twice/)
    assert.throws(() => playbookOf('priority: [title]'), /priority\[0\]/)
  })

  it('gives up the second try, then part of the caps, before the description is cut to nothing, then does not begin', async () => {
    const shares = new Map<number, number>()
    for (let tokens = 6_000; tokens >= 600; tokens -= 200) {
      const { shown, capShare } = await within(tokens).catch(() => ({ shown: undefined, capShare: 0 }))
      if (capShare > 0.5) assert.ok((shown?.description.length ?? 0) >= 500, `${tokens} tokens`)
      shares.set(tokens, capShare)
    }
    const inOrder = [...shares.values()]
    assert.deepEqual(
      inOrder,
      inOrder.toSorted((a, b) => b - a),
      'a smaller budget never has larger caps',
    )
    assert.deepEqual([...new Set(inOrder)], [1, 0.75, 0.5, 0])
  })

  it('never begins with more than the budget, and an attempt that goes on plans what is left', async () => {
    const playbook = playbookOf()
    const answers = new Map([
      ['plan/1', { text: 'One. '.repeat(50), promptTokens: 0, completionTokens: 0, cachedTokens: 0 }],
    ])
    const going = async (spentTokens: number) => {
      const budget = new IncidentBudget(7_000, { spentTokens, calls: 1 }, 'gpt-4.1-mini')
      return (await fitEvidence(whole(), { playbook, answers, budget })).shown
    }
    assert.equal((await going(0)).entities.length, 50, 'the answered exchange is not planned again')
    const cut = await going(4_500)
    assert.ok(cut.entities.length < 50 && cut.description.length > 500)
    await assert.rejects(going(6_900), { reason: 'TokenBudgetExceeded' })
  })

  it('holds the event loop for less than 50 ms at a time, whatever the text', async (t) => {
    const random = (first: number, count: number) =>
      String.fromCodePoint(
        ...Array.from({ length: 20_000 }, (_, index) => first + ((Math.imul(index + 1, 2_654_435_761) >>> 16) % count)),
      )
    const hostile = [random(97, 26), random(0x4e00, 20_000), random(0x400, 200), 'a'.repeat(100_000)]
    const playbook = playbookOf('steps: 20', 'forEachStep: true')
    const all = async (ceiling: number) => {
      for (const text of hostile) {
        const told = { properties: { alertDisplayName: text, description: text } }
        const context = incidentContext(
          { properties: { ...properties, description: text } },
          Array(9).fill(told),
          entities,
        )
        const budget = new IncidentBudget(ceiling, { spentTokens: 0, calls: 0 }, 'gpt-4.1-mini')
        await breathe()
        await fitEvidence(context, { playbook, answers: new Map(), budget })
      }
    }
    await all(40_000)
    let worst = Number.POSITIVE_INFINITY
    // CPU time between two rounds of the event loop; the best of three, for a collection is nobody's fault.
    for (let round = 0; round < 3; round++) worst = Math.min(worst, await longestTurn(() => all(40_000)))
    t.diagnostic(`${worst.toFixed(1)} ms at most`)
    // Half of it: whoever else has a turn needs some too.
    assert.ok(worst < 25, `${worst} ms`)
  })
})

const breathe = () => new Promise((resolve) => setImmediate(resolve))

async function longestTurn(work: () => Promise<void>): Promise<number> {
  let [longest, over] = [0, false]
  const watching = (async () => {
    for (let last = process.threadCpuUsage(); !over; last = process.threadCpuUsage()) {
      await breathe()
      const { user, system } = process.threadCpuUsage(last)
      longest = Math.max(longest, (user + system) / 1000)
    }
  })()
  await work()
  over = true
  await watching
  return longest
}

describe('a prompt that the provider found too long', () => {
  const figures: [string, number][] = [
    ["This model's maximum context length is 900 tokens. However, your messages resulted in 1000 tokens.", 0.49],
    [
      "This model's maximum context length is 900 tokens. However, you requested 1450 tokens (1000 in the messages, 450 in the completion).",
      0.441,
    ],
    ['Request too large for m: Limit 3000, Requested 10450. Reduce it.', 0.2499],
    ['Request Entity Too Large', 0.8],
  ]
  for (const [message, share] of figures) {
    it(`${JSON.stringify(message)} leaves ${share} of it`, () => {
      const cap = message.includes('resulted') ? 400 : 450
      assert.ok(Math.abs(new PromptTooLong('c', 'm', message).shareTaken(cap) - share) < 1e-9)
    })
  }
})
