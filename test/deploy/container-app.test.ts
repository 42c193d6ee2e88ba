import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { readConfiguration } from '../../worker/configuration.ts'
import { appOf, bodiesOf, type Container } from './deployed-with.ts'
import { promise } from './promise.ts'

const secrets = mkdtempSync(join(tmpdir(), 'enricher-secrets-'))
after(() => rmSync(secrets, { recursive: true }))

/** The container's environment, with the mounted key's folder replaced by one of this machine. */
function environmentOf(container: Container): Record<string, string> {
  writeFileSync(join(secrets, 'openai-api-key'), 'sk-test\n')
  return Object.fromEntries(
    container.env.map(({ name, value }) => [name, (value ?? '').replace('/mnt/secrets', secrets)]),
  )
}

/** Read by the SDKs. */
const elsewhere = ['AZURE_TOKEN_CREDENTIALS']
/** OpenTelemetry's own switches, whose defaults are right for a deployment. */
const leftAlone = ['OTEL_METRIC_EXPORT_INTERVAL', 'OTEL_SEMCONV_STABILITY_OPT_IN']

/** What the worker asks its environment for. */
function variablesOfTheWorker(): Set<string> {
  const asked = new Set<string>()
  const watched = new Proxy({} as Record<string, string>, { get: (_, name: string) => void asked.add(name) })
  assert.throws(() => readConfiguration(watched))
  return asked
}

describe('the container app that the Bicep files deploy', () => {
  promise(
    'the container gets every variable of the worker, but for keys, and no variable that nobody reads',
    (deploy) => {
      const usual = deploy({})
      const given = new Set(appOf(usual).template.containers[0].env.map((one) => one.name))
      const read = variablesOfTheWorker()
      const keys = ['SERVICEBUS_CONNECTION_STRING', 'AZURE_TABLES_CONNECTION_STRING', 'OPENAI_API_KEY']
      assert.deepEqual([...read].filter((name) => !given.has(name)).sort(), [...keys, ...leftAlone].sort())
      assert.deepEqual(
        [...given].filter((name) => !read.has(name) && !elsewhere.includes(name)),
        [],
      )
    },
    [
      ['main.bicep', "  { name: 'CONCURRENCY', value: string(concurrency) }\n", ''],
      ['main.bicep', "'SERVICEBUS_QUEUE'", "'SERVICE_BUS_QUEUE'"],
    ],
  )

  it('.env.example explains every variable of the worker, and no other', () => {
    const text = readFileSync(new URL('../../.env.example', import.meta.url), 'utf8')
    const explained = new Set([...text.matchAll(/^(?:# ?)?([A-Z][A-Z_]+)=/gm)].map((match) => match[1] ?? ''))
    const read = variablesOfTheWorker()
    assert.deepEqual(
      [...read].filter((name) => !explained.has(name)),
      [],
    )
    assert.deepEqual(
      [...explained].filter((name) => !read.has(name) && !elsewhere.includes(name)),
      [],
    )
  })

  promise(
    "the worker's configuration is whole with a key, and with Azure OpenAI without one",
    (deploy) => {
      const withKey = readConfiguration(environmentOf(appOf(deploy({})).template.containers[0]))
      assert.equal(withKey.model.provider, 'openai')
      assert.deepEqual(
        withKey.workspaces.map((one) => one.workspace),
        ['law-soc-europe', 'law-soc-cloud'],
      )
      const account = '/subscriptions/s/resourceGroups/rg-ai/providers/Microsoft.CognitiveServices/accounts/contoso'
      const azure = deploy({
        OPENAI_API_KEY: '',
        AZURE_OPENAI_RESOURCE_ID: account,
        OPENAI_MODEL: 'gpt',
      })
      const withIdentity = readConfiguration(environmentOf(appOf(azure).template.containers[0]))
      assert.equal(withIdentity.model.baseUrl, 'https://contoso.openai.azure.com/openai/v1')
      assert.equal(withIdentity.model.apiKeyFile, undefined)
      assert.deepEqual([appOf(azure).configuration.secrets, bodiesOf(azure, 'Microsoft.KeyVault/vaults')], [[], []])
    },
    [
      ['main.bicep', "'/mnt/secrets/openai-api-key'", "'/mnt/secrets/api-key'"],
      ['modules/service-bus.bicep', "':')[0]\n", "':')[1]\n"],
      ['main.bicep', "join(workspaceIds, ',')", "join(workspaceIds, ';')"],
    ],
  )

  promise(
    'the largest number of replicas follows from the tokens per minute',
    (deploy) => {
      const replicas = (tokensPerMinute: number, overrides = {}) => {
        const { scale } = appOf(deploy({ TOKENS_PER_MINUTE: String(tokensPerMinute) }, overrides)).template
        assert.equal(scale.minReplicas, 0)
        return scale.maxReplicas
      }
      // By hand: quota / (tokens per call * 60) * seconds per call / calls in flight per replica, rounded up, at least 2.
      assert.equal(replicas(300_000), 2) //       30 calls in flight / 16 = 1.9
      assert.equal(replicas(3_000_000), 19) //   300 / 16 = 18.8
      assert.equal(replicas(3_000_000, { concurrency: 64 }), 5) // 4.7
      assert.equal(replicas(3_000_000, { tokensPerCall: 3_800 }), 5) // 78.9 / 16 = 4.9
      assert.equal(replicas(10_000_000), 30)
      assert.equal(replicas(0), 30)
    },
    [
      ['main.bicep', '(tokensInFlight + tokensPerReplica - 1)', 'tokensInFlight'],
      ['main.bicep', 'maxReplicas: maxReplicas', 'maxReplicas: replicaCeiling'],
    ],
  )

  promise(
    'the replicas together stay below what Resource Manager lets one identity write',
    (deploy) => {
      for (const quota of ['300000', '3000000', '10000000', '100000000']) {
        const { containers, scale } = appOf(deploy({ TOKENS_PER_MINUTE: quota })).template
        const each = Number(containers[0].env.find((one) => one.name === 'SENTINEL_WRITES_PER_SECOND')?.value)
        assert.ok(each > 0 && each * scale.maxReplicas <= 8, `${each} times ${scale.maxReplicas}`)
      }
    },
    [['main.bicep', '80 / maxReplicas', '80']],
  )

  promise(
    'the scaler counts the queue that the worker reads, with an identity that the worker has no token of',
    (deploy) => {
      const usual = deploy({})
      const { scale } = appOf(usual).template
      const { custom } = scale.rules[0] ?? assert.fail('no rule')
      assert.equal(custom.type, 'azure-servicebus')
      assert.deepEqual(custom.metadata, {
        namespace: String(usual.outputs.serviceBusHostName).split('.')[0],
        queueName: 'incidents',
        messageCount: '16',
      })
      assert.match(custom.identity, /id-enricher-platform/)
      const settings = appOf(usual).configuration.identitySettings
      assert.ok(
        settings.some(
          (one) => JSON.stringify(one) === JSON.stringify({ identity: custom.identity, lifecycle: 'None' }),
        ),
      )
    },
    [
      ['modules/worker.bicep', 'queueName: queueName', "queueName: 'incident'"],
      ['modules/worker.bicep', "lifecycle: 'None'", "lifecycle: 'All'"],
    ],
  )

  promise(
    'Azure waits longer than the worker for its work in flight, and asks for its health where it is served',
    (deploy) => {
      const usual = deploy({})
      const { containers, terminationGracePeriodSeconds = 0 } = appOf(usual).template
      const environment = environmentOf(containers[0])
      assert.ok(terminationGracePeriodSeconds >= Number(environment.SHUTDOWN_GRACE_SECONDS) + 5)
      for (const { httpGet } of containers[0].probes ?? []) {
        assert.equal(String(httpGet.port), environment.HEALTH_PORT)
        assert.match(httpGet.path, /^\/healthz\/(live|ready)$/)
      }
      assert.deepEqual(
        containers[0].probes?.map((one) => one.type),
        ['Startup', 'Liveness', 'Readiness'],
      )
    },
    [
      ['main.bicep', 'shutdownGraceSeconds + 10', 'shutdownGraceSeconds'],
      ['modules/worker.bicep', 'port: 8080', 'port: 8081'],
    ],
  )
})
