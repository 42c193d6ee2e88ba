import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { readConfiguration } from '../../worker/configuration.ts'

const base = {
  SERVICEBUS_NAMESPACE: 'contoso.servicebus.windows.net',
  SENTINEL_WORKSPACES: '/subscriptions/s/resourceGroups/g/providers/Microsoft.OperationalInsights/workspaces/w',
  STATE_STORE: 'memory',
}

describe("Azure OpenAI is asked with a token of its own cloud's audience", () => {
  const cases: [endpoint: string, resourceManager: string | undefined, scope: string][] = [
    ['https://contoso.openai.azure.com', undefined, 'https://ai.azure.com/.default'],
    ['https://contoso.services.ai.azure.com/', undefined, 'https://ai.azure.com/.default'],
    [
      'https://contoso.openai.azure.us',
      'https://management.usgovcloudapi.net',
      'https://cognitiveservices.azure.us/.default',
    ],
    ['https://CONTOSO.OPENAI.AZURE.US/openai/v1', undefined, 'https://cognitiveservices.azure.us/.default'],
    ['https://contoso.openai.azure.cn', undefined, 'https://cognitiveservices.azure.cn/.default'],
    // A gateway's name says nothing: Resource Manager's says which cloud this is.
    ['https://models.contoso.example', undefined, 'https://ai.azure.com/.default'],
    [
      'https://models.contoso.example',
      'https://management.usgovcloudapi.net',
      'https://cognitiveservices.azure.us/.default',
    ],
    [
      'https://models.contoso.example',
      'https://management.chinacloudapi.cn/',
      'https://cognitiveservices.azure.cn/.default',
    ],
    // The model may be in another cloud than the incidents; its own name decides.
    ['https://contoso.openai.azure.com', 'https://management.usgovcloudapi.net', 'https://ai.azure.com/.default'],
    ['https://azure.us.contoso.example', undefined, 'https://ai.azure.com/.default'],
  ]
  for (const [endpoint, resourceManager, scope] of cases) {
    it(`${endpoint}${resourceManager ? ` beside ${resourceManager}` : ''}: ${scope}`, () => {
      const { model } = readConfiguration({
        ...base,
        AZURE_OPENAI_ENDPOINT: endpoint,
        ...(resourceManager ? { AZURE_RESOURCE_MANAGER_URL: resourceManager } : {}),
      })
      assert.equal(model.tokenScope, scope)
    })
  }
})
