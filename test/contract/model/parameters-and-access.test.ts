import assert from 'node:assert/strict'
import { test } from 'node:test'
import OpenAI from 'openai'
import { failureOf, type Parameters, question, startForTest } from './model-under-test.ts'

const refusedMaxTokens =
  "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead."
const refusedNewName =
  "Unsupported parameter: 'max_completion_tokens' is not supported with this model. Use 'max_tokens' instead."

test('the name of the cap is refused in either direction, in the words that clients look for', async (t) => {
  const current = await startForTest(t, { maxTokensParameter: 'max_completion_tokens' })
  const old = await startForTest(t, { maxTokensParameter: 'max_tokens' })
  const either = await startForTest(t)
  for (const [call, param, words] of [
    [current.ask({ max_tokens: 50 }), 'max_tokens', refusedMaxTokens],
    [old.ask({ max_completion_tokens: 50 }), 'max_completion_tokens', refusedNewName],
    [either.ask({ model: 'o4-mini', max_tokens: 50 }), 'max_tokens', refusedMaxTokens],
  ] as const) {
    const error = await failureOf(call)
    assert.ok(error instanceof OpenAI.BadRequestError)
    assert.equal(error.code, 'unsupported_parameter')
    assert.equal(error.param, param)
    assert.equal(error.message, `400 ${words}`)
  }
  for (const parameters of [{ max_tokens: 20 }, { max_completion_tokens: 20 }]) {
    const { data } = await either.ask({ model: 'gpt-3.5-turbo', ...parameters })
    assert.equal(data.usage?.completion_tokens, 20)
  }
  await old.ask({ model: 'o4-mini', max_tokens: 500 })
})

test('a reasoning model takes no temperature but the default; GPT-5.1 and later do without reasoning', async (t) => {
  const { ask } = await startForTest(t)
  const error = await failureOf(ask({ model: 'gpt-5-mini', temperature: 0.2 }))
  assert.equal(error.code, 'unsupported_value')
  assert.equal(error.param, 'temperature')
  assert.match(
    error.message,
    /'temperature' does not support 0.2 with this model. Only the default \(1\) value is supported/,
  )
  await ask({ model: 'gpt-5-mini', temperature: 1 })
  await ask({ model: 'gpt-5.1', temperature: 0.2, reasoning_effort: 'none' })
  await ask({ model: 'gpt-4.1-mini', temperature: 0.2 })
})

test('a body that breaks a rule gets a 400 that names the member', async (t) => {
  const { ask } = await startForTest(t)
  const closed = { type: 'object', properties: { a: { type: 'string' } }, required: ['a'] }
  const format = (schema: Record<string, unknown>, name = 'x') =>
    ({ response_format: { type: 'json_schema', json_schema: { name, strict: true, schema } } }) as Parameters
  const cases: [unknown, string, RegExp][] = [
    [{ messages: [] }, 'messages', /empty array/],
    [{ messages: 'hello' }, 'messages', /expected an array/],
    [{ messages: [{ role: 'analyst', content: 'x' }] }, 'messages[0].role', /Invalid value: 'analyst'/],
    [{ messages: [{ role: 'user', content: 7 }] }, 'messages[0].content', /Invalid type/],
    [{ messages: [{ role: 'user', content: null }] }, 'messages[0].content', /Invalid type/],
    [{ max_completion_tokens: 0 }, 'max_completion_tokens', /below minimum/],
    [{ max_completion_tokens: 9, max_tokens: 9 }, 'max_tokens', /at the same time/],
    [{ reasoning_effort: 'heroic' }, 'reasoning_effort', /Invalid value: 'heroic'/],
    [{ n: 0 }, 'n', /integer from 1/],
    [{ response_format: { type: 'xml' } }, 'response_format.type', /Invalid value: 'xml'/],
    [{ response_format: { type: 'json_object' } }, 'messages', /must contain the word 'json'/],
    [format(closed, 'two words'), 'response_format.json_schema.name', /does not match pattern/],
    [
      format(closed),
      'response_format',
      /In context=\(\), 'additionalProperties' is required to be supplied and to be false/,
    ],
    [format({ ...closed, additionalProperties: false, required: [] }), 'response_format', /Missing 'a'/],
  ]
  for (const [parameters, param, words] of cases) {
    const error = await failureOf(ask(parameters as Parameters))
    assert.equal(error.status, 400, JSON.stringify(parameters))
    assert.equal(error.param, param, JSON.stringify(parameters))
    assert.match(error.message, words)
  }
})

test('streaming is refused plainly; members that the server does not know are ignored', async (t) => {
  const { client, ask } = await startForTest(t)
  const streamed = client.chat.completions.create({
    model: 'm',
    messages: [{ role: 'user', content: 'hi' }],
    stream: true,
  })
  const error = await failureOf(streamed)
  assert.equal(error.status, 400)
  assert.equal(error.param, 'stream')
  assert.match(error.message, /does not stream/)
  await ask({ store: false, prompt_cache_key: 'k', unheard_of: { of: 1 } } as Parameters)
})

test('a prompt that does not fit the context window is refused with its numbers', async (t) => {
  const { ask } = await startForTest(t, { contextWindow: 1_000 })
  const withCap = await failureOf(ask({ max_completion_tokens: 990 }))
  assert.equal(withCap.code, 'context_length_exceeded')
  assert.match(
    withCap.message,
    /maximum context length is 1000 tokens. However, you requested \d+ tokens \(\d+ in the messages, 990 in the completion\)/,
  )
  const long = await failureOf(ask({ messages: [{ role: 'user', content: 'word '.repeat(1_200) }] }))
  assert.match(long.message, /your messages resulted in \d+ tokens/)
})

test('a wrong key gets the 401 of its dialect, starred out; a rotated key works from then on', async (t) => {
  const { ask, model, client } = await startForTest(t, { apiKeys: ['sk-the-old-one-0123456789'] })
  await ask()
  model.setApiKeys(['sk-the-new-one-0123456789'])
  const refused = await failureOf(ask())
  assert.ok(refused instanceof OpenAI.AuthenticationError)
  assert.equal(refused.code, 'invalid_api_key')
  assert.match(refused.message, /Incorrect API key provided: sk-\*+89\. You can find your API key/)
  assert.equal(model.journal.at(-1)?.status, 401)
  client.apiKey = 'sk-the-new-one-0123456789'
  await ask()

  const azure = await startForTest(t, { dialect: 'azure', apiKeys: ['right'] })
  azure.client.apiKey = 'wrong'
  const denied = await failureOf(azure.ask())
  assert.equal(denied.status, 401)
  assert.equal(denied.code, '401')
  assert.match(denied.message, /Access denied due to invalid subscription key/)
})

test('without a key list any key is good, none is not', async (t) => {
  const { model } = await startForTest(t)
  const post = (headers: Record<string, string>) =>
    fetch(`${model.openaiBaseUrl}/chat/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify({ model: 'm', messages: [{ role: 'user', content: question }] }),
    })
  const none = await post({})
  assert.equal(none.status, 401)
  assert.match(JSON.stringify(await none.json()), /didn't provide an API key/)
  for (const [name, value] of [
    ['authorization', 'Bearer anything'],
    ['api-key', 'anything'],
  ] as const) {
    const good = await post({ [name]: value })
    assert.equal(good.status, 200)
    await good.text()
  }
})

test('Entra tokens are accepted by the function that judges them', async (t) => {
  const { ask, client } = await startForTest(t, { dialect: 'azure', acceptToken: (bearer) => bearer === 'a-token' })
  assert.equal((await failureOf(ask())).status, 401)
  client.apiKey = 'a-token'
  await ask()
})

test('unknown paths, methods and models are 404 in the shape of the API', async (t) => {
  const { ask, client, model } = await startForTest(t)
  const embeddings = await failureOf(client.embeddings.create({ model: 'm', input: 'x' }))
  assert.equal(embeddings.status, 404)
  assert.match(embeddings.message, /Invalid URL \(POST \/v1\/embeddings\)/)
  assert.equal((await failureOf(client.get('/chat/completions'))).status, 404)
  model.faults.unknownModel.add('gpt-9')
  const unknown = await failureOf(ask({ model: 'gpt-9' }))
  assert.ok(unknown instanceof OpenAI.NotFoundError)
  assert.equal(unknown.code, 'model_not_found')
  assert.equal((await failureOf(client.models.retrieve('gpt-9'))).code, 'model_not_found')
  const names: string[] = []
  for await (const { id } of client.models.list()) names.push(id)
  assert.ok(names.includes('gpt-4.1-mini'))

  const azure = await startForTest(t, { dialect: 'azure' })
  azure.model.faults.unknownModel.add('gpt-9')
  assert.equal((await failureOf(azure.ask({ model: 'gpt-9' }))).code, 'DeploymentNotFound')
})

test('a body that is no JSON is a 400', async (t) => {
  const { model } = await startForTest(t)
  const response = await fetch(`${model.openaiBaseUrl}/chat/completions`, {
    method: 'POST',
    headers: { authorization: 'Bearer k' },
    body: '{"model": ',
  })
  assert.equal(response.status, 400)
  assert.match(JSON.stringify(await response.json()), /could not parse the JSON body/)
})
