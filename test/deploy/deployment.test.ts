import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import { parse } from 'yaml'
import { type AppProperties, appOf, bodiesOf, deployedWith, twoWorkspaces } from './deployed-with.ts'
import { promise } from './promise.ts'

interface MetricAlert {
  windowSize: string
  actions: object[]
  criteria: {
    allOf: {
      metricName: string
      timeAggregation: string
      operator: string
      threshold: number
      dimensions: { values: string[] }[]
    }[]
  }
}

describe('what else the Bicep files deploy', () => {
  promise(
    'every identity has exactly these roles',
    (deploy) => {
      const names: Record<string, string> = {
        '4f6d3b9b-027b-4f4c-9142-0e5a2a2247e0': 'Azure Service Bus Data Receiver',
        '69a216fc-b8fb-44d8-bc22-1f3c2cd27a39': 'Azure Service Bus Data Sender',
        '090c5cfd-751d-490a-894a-3ce6f1109419': 'Azure Service Bus Data Owner',
        '0a9a7e1f-b9d0-4cc4-a60d-0319b160aaa3': 'Storage Table Data Contributor',
        '3e150937-b8fe-4cfb-8069-0eaf05ecd056': 'Microsoft Sentinel Responder',
        '8d289c81-5878-46d4-8554-54e1e3d8b5cb': 'Microsoft Sentinel Reader',
        'f4c81013-99ee-4d62-a7ee-b3f1f648599a': 'Microsoft Sentinel Automation Contributor',
        '4633458b-17de-408a-b874-0445c86b69e6': 'Key Vault Secrets User',
        '5e0bd9bd-7b93-4f28-af87-19fc36ad61bd': 'Cognitive Services OpenAI User',
        '7f951dda-4ed3-4680-a7ca-43fe172d538d': 'AcrPull',
      }
      const account = '/subscriptions/s/resourceGroups/rg-ai/providers/Microsoft.CognitiveServices/accounts/contoso'
      const { resources } = deploy({ AZURE_OPENAI_RESOURCE_ID: account })
      const granted = resources
        .filter((one) => one.type === 'Microsoft.Authorization/roleAssignments')
        .map(({ body }) => {
          const { principalId, roleDefinitionId } = body.properties as { principalId: string; roleDefinitionId: string }
          const scope =
            (body.scope as { type?: string } | undefined)?.type?.split('/').slice(1).join('/') ?? 'resource group'
          const who = principalId.replace(/^principal of id-enricher-(\w+)-.*$/, '$1')
          return `${who}: ${names[roleDefinitionId.split('/').at(-1) ?? '']} on ${scope}`
        })
      assert.deepEqual(granted.sort(), [
        'logic-app-principal: Azure Service Bus Data Sender on namespaces/queues',
        'logic-app-principal: Microsoft Sentinel Reader on workspaces',
        'logic-app-principal: Microsoft Sentinel Reader on workspaces',
        'platform: AcrPull on registries',
        'platform: Azure Service Bus Data Owner on namespaces/queues',
        'platform: Key Vault Secrets User on vaults/secrets',
        'sentinel-principal: Microsoft Sentinel Automation Contributor on resource group',
        'worker: Azure Service Bus Data Receiver on namespaces/queues',
        'worker: Azure Service Bus Data Sender on namespaces/queues',
        'worker: Cognitive Services OpenAI User on accounts',
        'worker: Microsoft Sentinel Responder on workspaces',
        'worker: Microsoft Sentinel Responder on workspaces',
        'worker: Storage Table Data Contributor on storageAccounts',
      ])
    },
    [
      [
        'modules/service-bus.bicep',
        "var dataReceiver = '4f6d3b9b-027b-4f4c-9142-0e5a2a2247e0'",
        "var dataReceiver = '090c5cfd-751d-490a-894a-3ce6f1109419'",
      ],
      ['modules/sentinel-workspace.bicep', '  scope: workspace\n', ''],
      ['modules/model-key.bicep', 'scope: secret', 'scope: vault'],
    ],
  )

  promise(
    'no key opens anything: local authentication and shared keys are off',
    (deploy) => {
      const usual = deploy({})
      const properties = (type: string) => bodiesOf(usual, type)[0]?.properties as Record<string, unknown>
      assert.equal(properties('Microsoft.ServiceBus/namespaces').disableLocalAuth, true)
      assert.equal(properties('Microsoft.Storage/storageAccounts').allowSharedKeyAccess, false)
      assert.equal(properties('Microsoft.ContainerRegistry/registries').adminUserEnabled, false)
      assert.equal(properties('Microsoft.KeyVault/vaults').enableRbacAuthorization, true)
    },
    [
      ['modules/service-bus.bicep', 'disableLocalAuth: true', 'disableLocalAuth: false'],
      ['modules/state.bicep', 'allowSharedKeyAccess: false', 'allowSharedKeyAccess: true'],
    ],
  )

  promise(
    'a backfill job for each workspace, one to replay and one to check; on a schedule where one is given; none before there is an image',
    (deploy) => {
      const usual = deploy({})
      const jobsOf = (deployed: ReturnType<typeof deployedWith>) =>
        bodiesOf(deployed, 'Microsoft.App/jobs').map((job) => job.properties as AppProperties)
      const jobs = jobsOf(usual)
      const commands = jobs.map((job) => (job.template.containers[0].args ?? []).join(' '))
      assert.deepEqual(commands, [
        'dlq replay --limit 500 --rate 5/s --yes',
        'check',
        ...twoWorkspaces.map((id) => `backfill --workspace ${id} --since 24h`),
      ])
      assert.deepEqual(
        jobs.map((job) => job.configuration.triggerType),
        ['Manual', 'Manual', 'Schedule', 'Schedule'],
      )
      const app = appOf(usual).template.containers[0]
      for (const job of jobs) {
        assert.equal(job.template.containers[0].image, app.image)
        assert.deepEqual(job.template.containers[0].env, app.env)
      }
      const first = deploy({ SERVICE_WORKER_IMAGE_NAME: '' })
      assert.deepEqual(jobsOf(first), [])
      assert.deepEqual(appOf(first).template.containers[0].probes, [], 'the placeholder has no health server')
    },
    [
      ['modules/jobs.bicep', "'--workspace', id", "'--workspace', last(split(id, '/'))"],
      ['main.bicep', "module jobs 'modules/jobs.bicep' = if (!empty(image)) {", "module jobs 'modules/jobs.bicep' = {"],
    ],
  )

  promise(
    'the automation rule runs the Logic App in every workspace, and only where Sentinel may run it',
    (deploy) => {
      const usual = deploy({})
      const rules = bodiesOf(usual, 'Microsoft.SecurityInsights/automationRules')
      assert.equal(rules.length, 2)
      assert.match(JSON.stringify(rules[0]), /"actionType":"RunPlaybook".*logic-enricher-trigger/)
      for (const [name, value] of [
        ['SENTINEL_SERVICE_PRINCIPAL_ID', ''],
        ['TRIGGER', 'none'],
      ] as const) {
        assert.deepEqual(bodiesOf(deploy({ [name]: value }), 'Microsoft.SecurityInsights/automationRules'), [])
      }
    },
    [
      [
        'main.bicep',
        "logicAppId: trigger == 'none' || empty(sentinelServicePrincipalId) ?",
        "logicAppId: trigger == 'none' ?",
      ],
    ],
  )

  promise(
    'alerts on dead letters, on a queue that is never empty for as long as asked, on an open circuit and on four fifths of the day',
    (deploy) => {
      const deployed = deploy({ TOKENS_PER_DAY: '1000', ALERT_EMAIL: 'soc@contoso.com' }, { queueAgeAlert: 'PT1H' })
      const metrics = bodiesOf(deployed, 'Microsoft.Insights/metricAlerts').map((one) => one.properties as MetricAlert)
      const conditions = metrics.map(({ windowSize, criteria: { allOf } }) => {
        const [one] = allOf
        return [one?.metricName, one?.timeAggregation, one?.operator, one?.threshold, windowSize].join(' ')
      })
      assert.deepEqual(conditions, [
        'DeadletteredMessages Maximum GreaterThan 0 PT5M',
        'ActiveMessages Minimum GreaterThan 0 PT1H',
      ])
      for (const { criteria, actions } of metrics) {
        assert.deepEqual(criteria.allOf[0]?.dimensions[0]?.values, [deployed.queue.name])
        assert.equal(actions.length, 1, 'nobody is told')
      }
      const logs = bodiesOf(deployed, 'Microsoft.Insights/scheduledQueryRules').map((one) =>
        JSON.stringify(one.properties),
      )
      assert.equal(logs.length, 2)
      for (const [index, text] of ['circuit.opened', '0.8 * 1000'].entries()) {
        assert.ok(logs[index]?.includes(text), text)
        assert.match(logs[index] ?? '', /"actionGroups":\["/)
      }
      const silent = deploy({ ALERT_EMAIL: '' })
      assert.deepEqual(bodiesOf(silent, 'Microsoft.Insights/actionGroups'), [])
    },
    [
      ['modules/alerts.bicep', "timeAggregation: 'Minimum'", "timeAggregation: 'Maximum'"],
      ['modules/alerts.bicep', 'windowSize: queueAge', "windowSize: 'PT5M'"],
      ['modules/alerts.bicep', 'values: [queueName]', "values: ['incident']"],
      ['queries/alert-daily-budget.kql', '0.8', '0.9'],
    ],
  )

  it("azd finds its module, its Dockerfile and the container app's tag", () => {
    const folder = new URL('../../deploy/azure/', import.meta.url)
    const azd = parse(readFileSync(new URL('azure.yaml', folder), 'utf8')) as {
      infra: { path: string; module: string }
      services: Record<string, { project: string; docker: { path: string } }>
    }
    assert.ok(existsSync(new URL(`${azd.infra.path}/${azd.infra.module}.bicep`, folder)))
    const [name = '', service] = Object.entries(azd.services)[0] ?? []
    assert.ok(existsSync(new URL(service?.docker.path ?? '', new URL(`${service?.project}/`, folder))))
    assert.deepEqual(bodiesOf(deployedWith({}), 'Microsoft.App/containerApps')[0]?.tags, {
      'azd-env-name': 'enricher',
      'azd-service-name': name,
    })
  })
})
