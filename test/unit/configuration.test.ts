import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { readConfiguration } from '../../worker/configuration.ts'
import { ConfigurationError } from '../../worker/read-variables.ts'

const good = {
  SERVICEBUS_NAMESPACE: 'contoso.servicebus.windows.net',
  SENTINEL_WORKSPACES:
    '/subscriptions/a/resourceGroups/b/providers/Microsoft.OperationalInsights/workspaces/c,\n/subscriptions/*/resourceGroups/*/providers/Microsoft.OperationalInsights/workspaces/d',
  OPENAI_API_KEY: 'sk-SECRET',
  AZURE_TABLES_URL: 'https://contoso.table.core.windows.net/',
}
const problemsOf = (env: Record<string, string | undefined>): string[] => {
  try {
    readConfiguration(env)
    return []
  } catch (error) {
    assert.ok(error instanceof ConfigurationError)
    return error.problems
  }
}

describe('the configuration', () => {
  it("has the contract's defaults", () => {
    const read = readConfiguration(good)
    assert.equal(read.workspaces.length, 2)
    assert.deepEqual(
      [
        read.queue.queue,
        read.concurrency,
        read.budget.tokensPerIncident,
        read.sentinelWritesPerSecond,
        read.healthPort,
      ],
      ['incidents', 16, 20_000, 8, 8080],
    )
    assert.deepEqual(read.retry, { maxAttempts: 8, baseMs: 15_000, maxMs: 3_600_000 })
    assert.equal(read.shutdownGraceMs, 25_000)
    assert.equal(read.model.baseUrl, 'https://api.openai.com/v1')
    assert.equal(read.state.tablesUrl, 'https://contoso.table.core.windows.net')
    assert.match(read.playbookFile, /recommended-steps\.yaml$/)
  })

  it('tells every problem at once', () => {
    assert.equal(problemsOf({}).length, 4)
    assert.equal(problemsOf({ ...good, CONCURRENCY: '0', LOG_LEVEL: 'loud', HEALTH_PORT: 'x' }).length, 3)
  })

  it('never tells a value that may be a secret', () => {
    const all = problemsOf({
      ...good,
      SERVICEBUS_CONNECTION_STRING: 'SharedAccessKey=SECRET',
      OPENAI_API_KEY_FILE: '/nowhere',
      AZURE_TABLES_CONNECTION_STRING: 'AccountKey=SECRET',
      OPENAI_BASE_URL: 'https://user:SECRET@host/v1',
    })
    assert.ok(all.length >= 5)
    assert.ok(!all.join().includes('SECRET'))
  })

  const mistakes: Record<string, [Record<string, string>, RegExp]> = {
    'a namespace with its scheme': [
      { SERVICEBUS_NAMESPACE: 'sb://contoso.servicebus.windows.net' },
      /SERVICEBUS_NAMESPACE/,
    ],
    'a workspace by its name': [{ SENTINEL_WORKSPACES: 'law-soc' }, /SENTINEL_WORKSPACES entry 1/],
    'a model over plain http': [{ OPENAI_BASE_URL: 'http://models.example/v1' }, /must be https/],
    'two places for the model': [{ OPENAI_BASE_URL: 'https://a/v1', AZURE_OPENAI_ENDPOINT: 'https://b' }, /both set/],
    'a playbook that is not there': [{ PLAYBOOK: 'nope.yaml' }, /PLAYBOOK/],
    'a ladder upside down': [{ RETRY_BASE_SECONDS: '100', RETRY_MAX_SECONDS: '10' }, /RETRY_MAX_SECONDS/],
    'a number with a unit': [{ SHUTDOWN_GRACE_SECONDS: '25s' }, /SHUTDOWN_GRACE_SECONDS/],
    'a state store that does not exist': [{ STATE_STORE: 'redis' }, /STATE_STORE must be one of table, memory/],
  }
  for (const [name, [env, expected]] of Object.entries(mistakes)) {
    it(`refuses ${name}`, () => {
      const problems = problemsOf({ ...good, ...env })
      assert.equal(problems.length, 1, problems.join('\n'))
      assert.match(problems[0] ?? '', expected)
    })
  }

  it('takes plain http on loopback, and Azure without a key', () => {
    assert.equal(
      readConfiguration({ ...good, OPENAI_BASE_URL: 'http://127.0.0.1:8081/v1' }).model.provider,
      'compatible',
    )
    const azure = readConfiguration({
      ...good,
      OPENAI_API_KEY: '',
      AZURE_OPENAI_ENDPOINT: 'https://x.openai.azure.com/',
    })
    assert.equal(azure.model.baseUrl, 'https://x.openai.azure.com/openai/v1')
  })
})
