import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import fc from 'fast-check'
import { parseIncidentArmId } from '../../shared/arm-id.ts'
import { systemClock } from '../../shared/clock.ts'
import { Failure } from '../../shared/failure.ts'
import { decodeIncidentMessage } from '../../shared/message-envelope.ts'
import { unlimitedBudget } from '../../worker/budget/fleet-budget.ts'
import { ContentRefusal } from '../../worker/conversation/content-refusal.ts'
import type { ModelAnswer } from '../../worker/conversation/model-client.ts'
import { type EnrichmentParts, enrichIncident } from '../../worker/enrich-incident.ts'
import { loadPlaybook } from '../../worker/playbooks/load-playbook.ts'
import { Circuits } from '../../worker/recovery/circuits.ts'
import { createMemoryRunStore } from '../../worker/runs/memory-run-store.ts'
import { alertsSchema, entitiesSchema, incidentSchema } from '../../worker/sentinel/incident.ts'
import type { SentinelClient } from '../../worker/sentinel/sentinel-client.ts'
import { hostileText, maybeText } from '../fixtures/hostile-text.ts'
import { assertSafeHtml, assertSafeTitle } from '../harness/safe-html.ts'

const runs = 10_000
/** As in `test/e2e/fuzz.test.ts`: 10,000 in CI, fewer in `npm test`. */
const incidentRuns = Number(process.env.FUZZ_MESSAGES ?? 3_000)
const seed = 20_261_124
const armId =
  '/subscriptions/s/resourceGroups/g/providers/Microsoft.OperationalInsights/workspaces/w/providers/Microsoft.SecurityInsights/Incidents/73e01a99-5cd7-4139-a149-9f2736ff2ab5'
const outcomes = ['enriched', 'skipped', 'deferred', 'released', 'dead-lettered']

describe(`${runs} generated messages`, () => {
  const body = fc.oneof(
    fc.anything({ withBigInt: true, withDate: true, withMap: true, withNullPrototype: true, withTypedArray: true }),
    fc.json().map((json) => Buffer.from(json)),
    fc.uint8Array({ maxLength: 300 }),
    hostileText,
    hostileText.map((text) => ({ incidentArmId: text })),
    hostileText.map((text) => ({ object: { id: text } })),
    hostileText.map((text) => ({
      body: { object: { properties: { incidentUrl: `https://portal/Incident/subscriptions/${text}` } } },
    })),
    fc
      .tuple(fc.integer({ min: 0, max: armId.length }), hostileText)
      .map(([at, text]) => armId.slice(0, at) + text.slice(0, 20) + armId.slice(at)),
    hostileText.map((text) => Buffer.from(text).toString('base64')),
    hostileText.map((text) => `@\u0006string\u00083http://schemas.microsoft.com/2003/10/Serialization/${text}`),
  )
  it('are an incident or an InvalidMessage whose sentence quotes nothing', () => {
    fc.assert(
      fc.property(body, (given) => {
        try {
          assert.match(decodeIncidentMessage(given).incident, /^[a-z0-9_-]{1,128}$/)
        } catch (error) {
          assert.ok(error instanceof Failure, String(error))
          assert.equal(error.reason, 'InvalidMessage')
          assert.ok(error.message.length < 300)
        }
      }),
      { numRuns: runs, seed },
    )
  })
})

describe(`${incidentRuns} generated incidents with their answers, through the whole data path`, () => {
  const playbook = loadPlaybook(
    fileURLToPath(new URL('../../worker/playbooks/recommended-steps-economy.yaml', import.meta.url)),
  )
  const texts = fc.option(fc.array(hostileText, { maxLength: 3 }), { nil: null })
  const incident = fc.record({
    etag: fc.constantFrom('"1"', '"1"', '"1"', null),
    properties: fc.record({
      title: hostileText,
      description: maybeText,
      severity: fc.oneof(fc.constantFrom('High', 'Low'), hostileText),
      status: fc.oneof(
        { weight: 20, arbitrary: fc.constantFrom('New', 'Active') },
        { weight: 1, arbitrary: fc.constantFrom('Closed', 'x') },
      ),
      labels: fc.option(fc.array(fc.record({ labelName: hostileText }), { maxLength: 3 }), { nil: null }),
      incidentNumber: fc.option(fc.integer(), { nil: null }),
      additionalData: fc.option(
        fc.record({ tactics: texts, techniques: texts, alertsCount: fc.option(fc.nat(200), { nil: null }) }),
        { nil: null },
      ),
    }),
  })
  const alert = fc.record({
    properties: fc.option(
      fc.record({ alertDisplayName: maybeText, description: maybeText, severity: maybeText, tactics: texts }),
      { nil: null },
    ),
  })
  const entity = fc.record({
    kind: maybeText,
    properties: fc.option(
      fc.dictionary(
        fc.constantFrom('address', 'hostName', 'commandLine', 'accountName', 'upnSuffix'),
        fc.oneof(hostileText, fc.integer()),
        { maxKeys: 3 },
      ),
      { nil: null },
    ),
  })
  const steps = fc
    .array(fc.record({ title: hostileText, description: hostileText }), { minLength: 3, maxLength: 3 })
    .map((list) => JSON.stringify({ steps: list }))
  const answer: fc.Arbitrary<ModelAnswer> = fc.record({
    text: fc.oneof(
      { weight: 6, arbitrary: steps },
      { weight: 1, arbitrary: steps.map((json) => `\`\`\`json\n${json}\n\`\`\``) },
      { weight: 1, arbitrary: hostileText },
      { weight: 1, arbitrary: fc.json() },
    ),
    finishReason: fc.oneof(
      { weight: 12, arbitrary: fc.constant('stop') },
      { weight: 1, arbitrary: fc.constantFrom('length', 'content_filter', 'refusal', 'tool_calls', '') },
    ),
    promptTokens: fc.constantFrom(0, 100, 1_000),
    completionTokens: fc.constantFrom(0, 100, 700),
    cachedTokens: fc.constant(0),
    attackSigns: fc.subarray(['jailbreak', 'indirect_attack'] as const),
  })
  const failure = fc.constantFrom<() => unknown>(
    () => new ContentRefusal('content_filter', 'refused', ['jailbreak']),
    () => new Failure('down', { kind: 'outage', dependency: 'model', code: 'HTTP_500' }),
    () => new Failure('slow', { kind: 'throttled', dependency: 'model', code: '429', retryAfterMs: 5 }),
  )
  const given = fc.record({
    incident,
    alerts: fc.array(alert, { maxLength: 2 }),
    entities: fc.array(entity, { maxLength: 2 }),
    answers: fc.array(fc.oneof({ weight: 9, arbitrary: answer }, { weight: 1, arbitrary: failure }), {
      minLength: 1,
      maxLength: 2,
    }),
    conflicts: fc.constantFrom(0, 0, 0, 1),
  })

  it('each ends in one of the five outcomes, by no error of ours, and what it writes is safe', async (t) => {
    const counts = new Map<string, number>()
    await fc.assert(
      fc.asyncProperty(given, async (one) => {
        const written: string[] = []
        const { parts, tags } = partsFor(one, written)
        const delivery = {
          message: { body: armId },
          sequence: '1',
          messageId: 'm',
          origin: 'm',
          attempt: 0,
          copies: 0,
        } as never
        const { result, attacks } = await enrichIncident(
          delivery,
          { signal: new AbortController().signal, assertHeld: () => undefined },
          parts,
        )
        assert.ok(outcomes.includes(result.outcome), result.outcome)
        counts.set(result.outcome, (counts.get(result.outcome) ?? 0) + 1)
        if ('failure' in result) assert.notEqual(result.failure.dependency, 'worker', describeFailure(result.failure))
        if (result.outcome === 'enriched') {
          assert.equal(written.length, 3)
          assert.equal(
            tags.includes('ai-prompt-injection'),
            attacks.length > 0 || hadTag(one.incident, 'ai-prompt-injection'),
          )
        }
      }),
      { numRuns: incidentRuns, seed, endOnFailure: true },
    )
    t.diagnostic([...counts].map(([outcome, count]) => `${outcome} ${count}`).join(', '))
    assert.ok(
      ['enriched', 'skipped', 'deferred', 'dead-lettered'].every(
        (outcome) => (counts.get(outcome) ?? 0) > incidentRuns / 200,
      ),
    )
  })

  const hadTag = (one: { properties: { labels: { labelName: string }[] | null } }, tag: string) =>
    (one.properties.labels ?? []).some((label) => label.labelName === tag)

  function partsFor(one: typeof given extends fc.Arbitrary<infer T> ? T : never, written: string[]) {
    const tags: string[] = []
    let asked = 0
    let { conflicts } = one
    const sentinel: SentinelClient = {
      // As the client reads them: through the schemas.
      getIncident: async () => incidentSchema.parse(JSON.parse(JSON.stringify(one.incident))),
      listAlerts: async () => alertsSchema.parse({ value: JSON.parse(JSON.stringify(one.alerts)) }).items,
      listEntities: async () => entitiesSchema.parse({ entities: JSON.parse(JSON.stringify(one.entities)) }).items,
      listTaskIds: async () => new Set(),
      createTask: async (_, task) => {
        assertSafeTitle(task.title, 'title')
        assertSafeHtml(task.description, 3_000, 'description')
        written.push(task.id)
      },
      createComment: async () => assert.fail('the playbook has no comment'),
      listIncidents: async () => assert.fail('a run lists no incidents'),
      deleteTask: async () => assert.fail('a run deletes nothing'),
      putIncident: async (_, body) => {
        if (conflicts-- > 0) return 'conflict'
        const { properties } = body as { properties: { labels: { labelName: string }[]; title: string } }
        assert.equal(properties.title, JSON.parse(JSON.stringify(one.incident.properties.title)))
        tags.push(...properties.labels.map((label) => label.labelName))
        return 'written'
      },
    }
    const ref = parseIncidentArmId(armId)
    assert.ok(ref)
    const parts: EnrichmentParts = {
      playbook,
      modelName: 'm',
      workspaces: [ref],
      tokensPerIncident: 20_000,
      fleet: unlimitedBudget,
      sentinel,
      model: {
        complete: async () => {
          const next = one.answers[asked++ % one.answers.length]
          if (typeof next === 'function') throw next()
          assert.ok(next)
          return next
        },
      },
      runs: createMemoryRunStore(systemClock),
      call: async (_, operation) => operation(0),
      circuits: new Circuits(),
      retry: { maxAttempts: 3, baseMs: 10, maxMs: 100 },
      clock: { now: Date.now, sleep: async () => undefined },
      worker: 'w',
    }
    return { parts, tags }
  }
})

function describeFailure(failure: Failure): string {
  const { cause } = failure
  return cause instanceof Error ? `${cause.stack}` : failure.message
}
