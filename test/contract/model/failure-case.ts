import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import type { Dialect } from '../../../deploy/local/model/api-failure.ts'
import type { Fault } from '../../../deploy/local/model/fault.ts'
import type { ModelRequest } from '../../../deploy/local/model/journal.ts'
import type { ModelOptions } from '../../../deploy/local/model/model-options.ts'
import { type ModelServer, startModel } from '../../../deploy/local/model/server.ts'
import type { Clock } from '../../../shared/clock.ts'
import { asFailure, type Failure } from '../../../shared/failure.ts'
import { countPromptTokens, TokenCounter } from '../../../worker/budget/count-tokens.ts'
import { LedgerBudget } from '../../../worker/budget/fleet-budget.ts'
import { IncidentBudget } from '../../../worker/budget/incident-budget.ts'
import { emptyLedger, type LedgerLimits, type LedgerState } from '../../../worker/budget/ledger-state.ts'
import { createMemoryLedgerStore, type LedgerStore } from '../../../worker/budget/ledger-store.ts'
import { askModel } from '../../../worker/conversation/ask-model.ts'
import { converse } from '../../../worker/conversation/converse.ts'
import { fitEvidence } from '../../../worker/conversation/fit-evidence.ts'
import { createModelClient } from '../../../worker/conversation/model-client.ts'
import { type EnrichmentParts, type Outcome, recoverFrom } from '../../../worker/enrich-incident.ts'
import { type Playbook, parsePlaybook } from '../../../worker/playbooks/load-playbook.ts'
import type { Delivery } from '../../../worker/pump/delivery.ts'
import { Circuits } from '../../../worker/recovery/circuits.ts'
import { createCallDependency } from '../../../worker/recovery/immediate-retry.ts'
import { emptyProgress } from '../../../worker/runs/memory-run-store.ts'
import type { RunProgress } from '../../../worker/runs/run-store.ts'
import type { Alert, Entity } from '../../../worker/sentinel/incident.ts'
import { incidentContext } from '../../../worker/sentinel/incident-context.ts'

/**
 * The failure cases of a chat completions API, one to 29 (`research/openai.md`, section 6), each against the simulator: what the
 * worker does, and what it charges. Where the contract decides otherwise than that list (nothing is finished degraded; an
 * outage dead-letters nothing), the test says what the product does.
 *
 * | cases | file |
 * |---|---|
 * | 1 to 8: limits, quota, budgets | failure-cases-limits.test.ts |
 * | 9 to 16: servers, connections, bodies | failure-cases-connections.test.ts |
 * | 17 to 24: answers and requests that are refused | failure-cases-answers.test.ts |
 * | 25 to 29: configuration, interruption, ledger, duplicates, poison | failure-cases-surroundings.test.ts |
 */
export interface Surroundings {
  dialect?: Dialect
  model?: ModelOptions
  /** In the place of the simulator's address. */
  baseUrl?: string
  timeoutMs?: number
  /** Lines of YAML for the turn, such as a schema. */
  turn?: string
  modelName?: string
  description?: string
  alerts?: Alert[]
  entities?: Entity[]
  /** In the place of one with a single turn. */
  playbook?: Playbook
  tokensPerIncident?: number
  limits?: Partial<LedgerLimits>
  store?: LedgerStore
}

/** What one attempt at an incident did and cost. */
export interface Attempt {
  answer: string | Record<string, unknown> | undefined
  failure: Failure | undefined
  /** What becomes of the message. */
  outcome: Outcome
  /** Pauses before immediate retries, in milliseconds. */
  waitsMs: number[]
  requests: ModelRequest[]
  /** Charged to the incident. */
  spentTokens: number
  ledger: LedgerState
  /** How long after this attempt's begin the fleet asks nothing, in milliseconds; 0 or less: it goes on. */
  blockedMs: number
  circuits: Circuits
}

export interface CaseUnderTest {
  model: ModelServer
  clock: Clock
  progress: RunProgress
  circuits: Circuits
  store: LedgerStore
  /** One attempt at the same incident, as the data path makes it. */
  attempt(signal?: AbortSignal): Promise<Attempt>
}

const unlimited: LedgerLimits = {
  tokensPerMinute: 1_000_000,
  requestsPerMinute: undefined,
  tokensPerDay: 10_000_000,
  tokensPerDayPerWorkspace: undefined,
}
export const retry = { maxAttempts: 8, baseMs: 15_000, maxMs: 3_600_000 }
const defaultModel = 'gpt-4.1-mini'

/** Time that passes by itself, and at once where somebody sleeps: the pauses are told instead of waited for. */
function impatientClock(): Clock & { sleptMs: number[] } {
  let skipped = 0
  const sleptMs: number[] = []
  return {
    sleptMs,
    now: () => Date.now() + skipped,
    async sleep(delayMs, signal) {
      signal?.throwIfAborted()
      sleptMs.push(delayMs)
      skipped += delayMs
      await new Promise((resolve) => setImmediate(resolve))
    },
  }
}

const fewEntities = Array.from({ length: 40 }, (_, index) => ({
  kind: 'Ip',
  properties: { address: `198.51.100.${index}` },
}))

const playbookOf = ({ turn = '' }: Surroundings) =>
  parsePlaybook(
    `name: failure-case
version: 1
model: ${defaultModel}
tag: t
evidence: [title, description, entities]
system: You help to investigate incidents.
turns:
  - name: plan
    prompt: |
      Recommend 3 steps.
      {{ evidence }}
    maxCompletionTokens: 400
    comment: "{{ answer }}"
${turn}`,
    'failure-case.yaml',
  )

/** Starts the simulator and the worker's own parts around its real client, for one test. No jitter: random numbers are 0. */
export async function startCase(t: TestContext, around: Surroundings = {}): Promise<CaseUnderTest> {
  t.mock.method(Math, 'random', () => 0)
  const model = await startModel({ ...around.model, ...(around.dialect ? { dialect: around.dialect } : {}) })
  t.after(() => model.close())
  const circuits = new Circuits()
  t.after(() => circuits.close())
  const clock = impatientClock()
  const azure = around.dialect === 'azure'
  const configuration = {
    provider: azure ? ('azure' as const) : ('openai' as const),
    baseUrl: around.baseUrl ?? (azure ? `${model.azureEndpoint}/openai/v1` : model.openaiBaseUrl),
    apiKey: 'test-key',
    apiKeyFile: undefined,
    tokenScope: 'https://ai.azure.com/.default',
    model: undefined,
  }
  const client = createModelClient(configuration, () => assert.fail('there is a key'), undefined, around.timeoutMs)
  const call = createCallDependency({ circuits, clock, settings: retry })
  const store = around.store ?? createMemoryLedgerStore()
  const progress = emptyProgress()
  const { playbook = playbookOf(around), modelName = defaultModel } = around
  const properties = {
    title: 'Password spray',
    severity: 'High',
    status: 'New',
    description: around.description ?? 'Many failed logins.',
  }

  return {
    model,
    clock,
    progress,
    circuits,
    store,
    async attempt(signal = new AbortController().signal) {
      const [beganAt, known, slept] = [clock.now(), model.journal.length, clock.sleptMs.length]
      const budget = new IncidentBudget(around.tokensPerIncident ?? 20_000, progress, modelName)
      // One per attempt, as another replica would have: what this one spent is written when it ends.
      const fleet = new LedgerBudget(store, { ...unlimited, ...around.limits }, clock)
      const context = incidentContext({ properties }, around.alerts ?? [], around.entities ?? fewEntities)
      const ended = await converse({
        playbook,
        model: modelName,
        fit: (now) => fitEvidence(context, { playbook, answers: progress.answers, budget }, now),
        progress,
        ask: (request, exchange, within) =>
          askModel(request, exchange, within, {
            model: client,
            call,
            budget,
            fleet,
            workspace: 'w',
            keepReserved: async () => undefined,
          }),
        save: async (key, answer) => void progress.answers.set(key, answer),
        signal,
      }).catch(asFailure)
      await fleet.close()
      progress.spentTokens = budget.committedTokens
      // A ledger that is away has nothing to show.
      const { state } = await store.load(signal).catch(() => ({ state: emptyLedger() }))
      const failed = ended instanceof Error
      const delivery = { attempt: 0, copies: 0 } as Delivery
      return {
        answer: failed ? undefined : ended[0]?.answer,
        failure: failed ? ended : undefined,
        outcome: failed
          ? recoverFrom(ended, delivery, { circuits, retry, modelName } as EnrichmentParts).result
          : { outcome: 'enriched' },
        waitsMs: clock.sleptMs.slice(slept).filter((ms) => ms > 0),
        requests: model.journal.slice(known),
        spentTokens: budget.committedTokens,
        ledger: state,
        blockedMs: (state.models[modelName]?.blockedUntil ?? 0) - beganAt,
        circuits,
      }
    },
  }
}

/** Faults after which the client cannot know what was charged: our own estimate is. */
const untold = new Set(['stallBeforeHeaders', 'stallBody', 'truncateBody', 'malformedJson', 'emptyBody', 'noChoices'])

/** What is charged for a request: what its answer told, the estimate where it was lost, nothing where nothing was done. */
function chargeOf({ model, usage, fault, disconnected, messages, parameters }: ModelRequest): number {
  if (!usage) return 0
  const prompt = countPromptTokens(messages as { content: string }[], undefined, new TokenCounter(model))
  if (fault?.kind === 'contentFilteredPrompt') return prompt
  if (!disconnected && !untold.has(fault?.kind ?? '')) return usage.total_tokens
  return prompt + Number(parameters.max_completion_tokens)
}

/** Incident and fleet were charged every request once, by what is known of it, and never less than the provider billed. */
export function assertChargedOnce({ requests, spentTokens, ledger }: Attempt, before = 0): void {
  const charged = requests.reduce((sum, request) => sum + chargeOf(request), 0)
  const billed = requests.reduce((sum, { usage }) => sum + (usage?.total_tokens ?? 0), 0)
  assert.equal(spentTokens - before, charged, 'charged to the incident')
  assert.ok(charged >= billed, `${charged} charged, ${billed} billed`)
  assert.deepEqual(ledger.spent, { reserved: 0, settled: spentTokens }, "charged to the fleet's day")
}

/** A case that one attempt shows: faults in, action and charge out. */
export interface FailureCase extends Surroundings {
  /** The case's number and the promise. */
  name: string
  /** One request each, in order. */
  faults?: Fault[]
  /** Every request, after those. */
  always?: Fault
  requests: number
  waitsMs?: number[]
  /** `answered`, a dead letter's reason, or a delayed copy and the failed attempts it carries. */
  ends: 'answered' | { deadLetter: string } | { deferMs: number; attempt: 0 | 1 }
  code?: string
  opensCircuit?: boolean
  /** How long the whole fleet is held back. Absent: not at all. */
  blockedMs?: number
  /** The share of the limit that the fleet goes on with. Absent: all of it. */
  share?: number
}

/** Makes each case a test. */
export function testCases(cases: FailureCase[]): void {
  for (const one of cases) {
    test(one.name, async (t) => {
      const under = await startCase(t, one)
      for (const fault of one.faults ?? []) under.model.faults.next(fault)
      if (one.always) under.model.faults.always(one.always)
      const attempt = await under.attempt()
      assert.equal(attempt.requests.length, one.requests, `requests; ${attempt.failure?.message ?? 'no failure'}`)
      assert.deepEqual(attempt.waitsMs, one.waitsMs ?? [])
      assertEnd(attempt, one)
      assertChargedOnce(attempt)
      const open = attempt.circuits.report().some(({ circuit, state }) => circuit === 'model' && state === 'open')
      assert.equal(open, one.opensCircuit ?? false, "the model's circuit is open")
      assertFleet(attempt, one)
    })
  }
}

function assertEnd({ outcome, failure, answer }: Attempt, { ends, code }: FailureCase): void {
  if (code !== undefined) assert.equal(failure?.code, code)
  if (ends === 'answered') {
    assert.equal(failure, undefined)
    assert.ok(answer)
  } else if ('deadLetter' in ends) {
    assert.ok(outcome.outcome === 'dead-lettered', outcome.outcome)
    assert.equal(outcome.reason, ends.deadLetter)
  } else {
    assert.ok(outcome.outcome === 'deferred', outcome.outcome)
    assert.deepEqual({ deferMs: outcome.delayMs, attempt: outcome.attempt }, ends)
  }
}

function assertFleet({ blockedMs, ledger }: Attempt, expected: FailureCase): void {
  const { blockedMs: wanted } = expected
  if (wanted === undefined) assert.ok(blockedMs <= 0, `blocked for ${blockedMs} ms`)
  else assert.ok(blockedMs >= wanted && blockedMs < wanted + 5_000, `blocked for ${blockedMs} ms`)
  const share = ledger.models[defaultModel]?.share ?? 1
  // Milliseconds pass, and win a little back.
  assert.ok(Math.abs(share - (expected.share ?? 1)) < 0.001, `a share of ${share}`)
}
