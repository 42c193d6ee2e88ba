import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Ajv } from 'ajv'
import addFormats from 'ajv-formats'
import fc from 'fast-check'
import { fillSchema } from '../../../deploy/local/model/answers/fill-schema.ts'
import { demoNote } from '../../../deploy/local/model/answers/write-steps.ts'
import { question, startForTest } from './model-under-test.ts'

type Schema = Record<string, unknown>
const ajv = new Ajv({ strict: false, allErrors: true })
addFormats.default(ajv)
const closed = (properties: Schema): Schema => ({
  type: 'object',
  additionalProperties: false,
  required: Object.keys(properties),
  properties,
})
const stepList = (bounds: Schema) =>
  closed({
    steps: { type: 'array', ...bounds, items: closed({ title: { type: 'string' }, description: { type: 'string' } }) },
  })
const format = (schema: Schema) => ({
  response_format: { type: 'json_schema' as const, json_schema: { name: 's', strict: true, schema } },
})

test('a schema with a list of titles and descriptions gets the steps of the plan, as many as it allows', async (t) => {
  const { ask } = await startForTest(t)
  const plan = (await ask()).data.choices[0]?.message.content ?? ''
  const titles = [...plan.matchAll(/^\d+\. \*\*(.+?)\*\*/gm)].map(([, title]) => title)
  for (const [bounds, count] of [
    [{ minItems: 3, maxItems: 3 }, 3],
    [{}, 3],
    [{ minItems: 5 }, 5],
    [{ maxItems: 2 }, 2],
  ] as const) {
    const { data } = await ask(format(stepList(bounds)))
    const { steps } = JSON.parse(data.choices[0]?.message.content ?? '') as {
      steps: { title: string; description: string }[]
    }
    assert.equal(steps.length, count)
    const common = Math.min(3, count)
    assert.deepEqual(
      steps.slice(0, common).map((step) => step.title),
      titles.slice(0, common),
    )
    assert.ok(steps.at(-1)?.description.endsWith(demoNote))
    assert.ok(!JSON.stringify(steps.slice(0, -1)).includes(demoNote))
  }
})

test('a follow-up with a schema gets the step that it asks for', async (t) => {
  const { ask } = await startForTest(t)
  const plan = (await ask()).data.choices[0]?.message.content ?? ''
  const second = /^2\. \*\*(.+?)\*\*/m.exec(plan)?.[1]
  const schema = closed({ title: { type: 'string' }, description: { type: 'string' }, query: { type: 'string' } })
  const { data } = await ask({
    messages: [
      { role: 'user', content: question },
      { role: 'assistant', content: plan },
      { role: 'user', content: 'Only step 2' },
    ],
    ...format(schema),
  })
  const answer = JSON.parse(data.choices[0]?.message.content ?? '')
  assert.equal(answer.title, second)
  assert.match(answer.query, / \| /)
  assert.ok(answer.description.endsWith(demoNote))
})

test("the schema's tokens are part of the prompt's", async (t) => {
  const { ask } = await startForTest(t)
  const plain = (await ask()).data.usage?.prompt_tokens ?? 0
  const structured = (await ask(format(stepList({})))).data.usage?.prompt_tokens ?? 0
  assert.ok(structured > plain + 20)
})

test('json_object mode answers with an object', async (t) => {
  const { ask } = await startForTest(t)
  const messages = [{ role: 'user' as const, content: `${question}\nAnswer as JSON.` }]
  const { data } = await ask({ messages, response_format: { type: 'json_object' } })
  assert.equal(JSON.parse(data.choices[0]?.message.content ?? '').steps.length, 3)
})

test('alternatives, references, enumerations and formats are filled validly, recursion ends', () => {
  const schema = {
    ...closed({
      severity: { type: 'string', enum: ['Low', 'Medium', 'High'] },
      score: { type: 'integer', minimum: 10, maximum: 20 },
      likely: { type: 'boolean' },
      note: { anyOf: [{ type: 'null' }, { type: 'string', maxLength: 100 }] },
      maybe: { type: ['string', 'null'] },
      at: { type: 'string', format: 'date-time' },
      fixed: { const: 7 },
      tree: { $ref: '#/$defs/node' },
    }),
    $defs: { node: closed({ name: { type: 'string' }, children: { type: 'array', items: { $ref: '#/$defs/node' } } }) },
  }
  const material = { title: 'T', text: 'A text', query: 'Q', severity: 'high' }
  const value = fillSchema(schema, [material], 3, demoNote) as Schema
  assert.ok(ajv.validate(schema, value), ajv.errorsText())
  assert.equal(value.severity, 'High')
})

test('any simple schema gets a value that satisfies it', () => {
  const schemas = fc.letrec<{ schema: Schema }>((tie) => ({
    schema: fc.oneof(
      { maxDepth: 4, depthSize: 'medium' },
      fc
        .record({ minLength: fc.integer({ min: 0, max: 40 }), extra: fc.integer({ min: 0, max: 900 }) })
        .map(({ minLength, extra }) => ({
          type: 'string',
          minLength,
          maxLength: minLength + extra,
        })),
      fc.uniqueArray(fc.string(), { minLength: 1, maxLength: 4 }).map((values) => ({ type: 'string', enum: values })),
      fc
        .record({ low: fc.integer({ min: -99, max: 99 }), more: fc.integer({ min: 0, max: 9 }) })
        .map(({ low, more }) => ({
          type: 'integer',
          minimum: low,
          maximum: low + more,
        })),
      fc.constantFrom<Schema>({ type: 'boolean' }, { type: 'number' }, { type: 'null' }, { type: ['string', 'null'] }),
      fc
        .dictionary(fc.constantFrom('title', 'description', 'query', 'n', 'list'), tie('schema'))
        .map((properties) => closed(properties)),
      fc
        .record({
          items: tie('schema'),
          minItems: fc.integer({ min: 0, max: 4 }),
          extra: fc.integer({ min: 0, max: 3 }),
        })
        .map(({ items, minItems, extra }) => ({ type: 'array', items, minItems, maxItems: minItems + extra })),
    ),
  })).schema
  const steps = ['a', 'b', 'c'].map((name) => ({
    title: `Title ${name}`,
    text: `Text of ${name}. `.repeat(9),
    query: 'X | take 1',
    severity: 'Low',
  }))
  fc.assert(
    fc.property(schemas, (schema) => {
      const value = fillSchema(schema, steps, 3, demoNote)
      assert.ok(ajv.validate(schema, value), `${JSON.stringify(schema)} ${JSON.stringify(value)} ${ajv.errorsText()}`)
    }),
    { numRuns: 200 },
  )
})
