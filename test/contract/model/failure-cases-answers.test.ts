import assert from 'node:assert/strict'
import { test } from 'node:test'
import { assertChargedOnce, startCase, testCases } from './failure-case.ts'

/** Cases 17 to 24: what the model answers, and requests that it does not take. */
const schema = `    schema:
      type: object
      additionalProperties: false
      required: [summary]
      properties:
        summary: { type: string }
`
/** The first rung of the ladder, an attempt used up. */
const laterAttempt = { deferMs: 7_500, attempt: 1 } as const

testCases([
  {
    name: 'case 17: prose that was cut is used: its first words are worth more than nothing',
    faults: [{ kind: 'cutByLength' }],
    requests: 1,
    ends: 'answered',
  },
  {
    name: 'case 17: cut JSON is asked once more with twice the cap, and both are charged',
    turn: schema,
    faults: [{ kind: 'cutByLength' }],
    requests: 2,
    ends: 'answered',
  },
  {
    name: 'case 17: cut again, it is tried later, an attempt used up',
    turn: schema,
    always: { kind: 'cutByLength' },
    requests: 2,
    ends: laterAttempt,
    code: 'AnswerCut',
  },
  {
    name: 'case 18: an empty answer whose cap went into thinking is asked once more with twice the cap',
    faults: [{ kind: 'emptyByLength' }],
    requests: 2,
    ends: 'answered',
  },
  {
    name: 'case 18: empty again, it is tried later, an attempt used up',
    always: { kind: 'emptyByLength' },
    requests: 2,
    ends: laterAttempt,
    code: 'AnswerCut',
  },
  {
    name: 'case 19: a filtered prompt is asked once more with reduced evidence; the first prompt is charged',
    dialect: 'azure',
    faults: [{ kind: 'contentFilteredPrompt', category: 'jailbreak' }],
    requests: 2,
    ends: 'answered',
  },
  {
    name: 'case 19: filtered again, it is a dead letter, and both prompts are charged',
    dialect: 'azure',
    always: { kind: 'contentFilteredPrompt', category: 'violence' },
    requests: 2,
    ends: { deadLetter: 'ContentFiltered' },
  },
  {
    name: 'case 20: a filtered answer is asked once more with reduced evidence',
    dialect: 'azure',
    faults: [{ kind: 'contentFilteredOutput' }],
    requests: 2,
    ends: 'answered',
  },
  {
    name: 'case 20: filtered again, it is a dead letter',
    dialect: 'azure',
    always: { kind: 'contentFilteredOutput' },
    requests: 2,
    ends: { deadLetter: 'ContentFiltered' },
  },
  {
    name: 'case 21: an answer that passed while the filter was down is used',
    dialect: 'azure',
    always: { kind: 'filterDown' },
    requests: 1,
    ends: 'answered',
  },
  {
    name: 'case 22: JSON in a fence is JSON: nothing is paid a second time',
    turn: schema,
    always: { kind: 'fencedJson' },
    requests: 1,
    ends: 'answered',
  },
  {
    name: 'case 22: an answer that does not satisfy the schema is asked for once more',
    turn: schema,
    faults: [{ kind: 'schemaViolation' }],
    requests: 2,
    ends: 'answered',
  },
  {
    name: 'case 22: twice wrong, it is tried later, an attempt used up',
    turn: schema,
    always: { kind: 'schemaViolation' },
    requests: 2,
    ends: laterAttempt,
    code: 'SchemaViolation',
  },
  {
    name: 'case 22: a refusal is tried later, an attempt used up: right after it the model would refuse again',
    always: { kind: 'refusal' },
    requests: 1,
    ends: laterAttempt,
    code: 'Refusal',
  },
  ...(['max_completion_tokens', 'temperature', 'reasoning_effort'] as const).map((param) => ({
    name: `case 23: a model that does not know ${param} is asked without it at once`,
    turn: '    temperature: 0.2\n    reasoningEffort: low\n',
    faults: [{ kind: 'unsupportedParameter' as const, param }],
    requests: 2,
    ends: 'answered' as const,
  })),
  {
    name: 'case 23: a temperature that the model does not take is left out at once',
    turn: '    temperature: 0.2\n',
    faults: [{ kind: 'unsupportedValue', param: 'temperature', value: '0.2' }],
    requests: 2,
    ends: 'answered',
  },
  {
    name: 'case 23: a parameter that cannot be left out is a configuration error: the circuit opens, nothing is dead-lettered',
    always: { kind: 'unsupportedParameter', param: 'response_format' },
    requests: 1,
    ends: { deferMs: 1_000, attempt: 0 },
    code: 'unsupported_parameter',
    opensCircuit: true,
  },
  {
    name: 'case 24: a prompt that does not fit the context is asked once more with less evidence',
    faults: [{ kind: 'contextTooLong' }],
    requests: 2,
    ends: 'answered',
  },
  {
    name: 'case 24: too long again, it is a dead letter',
    always: { kind: 'contextTooLong' },
    requests: 2,
    ends: { deadLetter: 'TokenBudgetExceeded' },
    code: 'context_length_exceeded',
  },
])

test('cases 17 and 18: the second cap is twice the first, within what the incident has left', async (t) => {
  for (const [tokensPerIncident, second] of [
    [20_000, 800],
    [2_300, undefined],
  ] as const) {
    const { attempt, model } = await startCase(t, { tokensPerIncident })
    model.faults.next({ kind: 'emptyByLength' })
    const result = await attempt()
    const caps = result.requests.map(({ parameters }) => Number(parameters.max_completion_tokens))
    const left = tokensPerIncident - (result.requests[0]?.usage?.total_tokens ?? 0)
    const prompt = result.requests[1]?.usage?.prompt_tokens ?? 0
    assert.equal(caps[0], 400)
    assert.ok(second ? caps[1] === second : (caps[1] ?? 0) < 800 && (caps[1] ?? 0) + prompt <= left, `${caps}`)
    assert.ok(result.spentTokens <= tokensPerIncident)
    assertChargedOnce(result)
  }
})

test('case 19: reduced evidence is the sober facts, without the texts', async (t) => {
  const { attempt, model } = await startCase(t, { dialect: 'azure' })
  model.faults.next({ kind: 'contentFilteredPrompt' })
  const [first, second] = (await attempt()).requests.map(({ messages }) => JSON.stringify(messages))
  assert.match(first ?? '', /Many failed logins/)
  assert.doesNotMatch(second ?? '', /Many failed logins|198\.51\.100/)
  assert.match(second ?? '', /Password spray.*left out: the content filter refused it/)
})

test('case 22: the repair repeats the question and not the answer, whose text nobody checked', async (t) => {
  const { attempt, model } = await startCase(t, { turn: schema })
  model.faults.next({ kind: 'schemaViolation' })
  const [first, second] = (await attempt()).requests
  assert.deepEqual(second?.messages.slice(0, -1), first?.messages)
  assert.match(String(second?.messages.at(-1)?.content), /satisfies the schema/)
})

test('case 23: what a model does not take is learnt once: the next incident is asked without it', async (t) => {
  const { attempt, model, progress } = await startCase(t, { model: { maxTokensParameter: 'max_tokens' } })
  const statuses = async () => {
    const { requests, spentTokens, ...rest } = await attempt()
    return { statuses: requests.map(({ status }) => status), spentTokens, rest }
  }
  assert.deepEqual((await statuses()).statuses, [400, 200])
  progress.answers.clear()
  assert.deepEqual((await statuses()).statuses, [200])
  assert.equal(progress.spentTokens, model.totals.promptTokens + model.totals.completionTokens)
})

test("case 24: what is left of a prompt is what the provider's own figures leave room for", async (t) => {
  const window = 900
  const { attempt } = await startCase(t, {
    model: { contextWindow: window },
    description: 'Failed logins from many addresses, one after the other. '.repeat(80),
  })
  const result = await attempt()
  assert.deepEqual(
    result.requests.map(({ status }) => status),
    [400, 200],
  )
  const [, second] = result.requests
  const sent = (second?.usage?.prompt_tokens ?? 0) + Number(second?.parameters.max_completion_tokens)
  assert.ok(sent <= window && sent > 0.9 * window, `${sent} of ${window} tokens`)
  assert.match(JSON.stringify(second?.messages), /left out to fit the token budget/)
  assertChargedOnce(result)
})
