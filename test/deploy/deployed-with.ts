import { fileURLToPath } from 'node:url'
import { type Deployment, evaluateDeployment, evaluateParameters } from './bicep/evaluate-bicep.ts'

/** Where the Bicep files are. */
export const azureFolder = fileURLToPath(new URL('../../deploy/azure/', import.meta.url))

export const twoWorkspaces = ['soc-europe', 'soc-cloud'].map(
  (name, index) =>
    `/subscriptions/00000000-0000-4000-8000-00000000000${index}/resourceGroups/rg-${name}/providers/Microsoft.OperationalInsights/workspaces/law-${name}`,
)

/** What every deployment of these tests has in its environment. */
const usual = {
  SENTINEL_WORKSPACE_IDS: twoWorkspaces.join(', '),
  SENTINEL_SERVICE_PRINCIPAL_ID: 'sentinel-principal',
  SERVICE_WORKER_IMAGE_NAME: 'registry.example/worker:1',
  OPENAI_API_KEY: 'sk-test',
}

/** Properties that only Azure knows, made recognisable. */
function answers(type: string, name: string): Record<string, unknown> {
  switch (type) {
    case 'Microsoft.ServiceBus/namespaces':
      return { serviceBusEndpoint: `https://${name}.servicebus.windows.net:443/` }
    case 'Microsoft.Storage/storageAccounts':
      return { primaryEndpoints: { table: `https://${name}.table.core.windows.net/` } }
    case 'Microsoft.KeyVault/vaults/secrets':
      return { secretUri: `https://vault.example/secrets/${name}` }
    case 'Microsoft.CognitiveServices/accounts':
      return { endpoint: `https://${name}.openai.azure.com/` }
    case 'Microsoft.ContainerRegistry/registries':
      return { loginServer: `${name}.azurecr.io` }
    case 'Microsoft.Insights/components':
      return { ConnectionString: 'InstrumentationKey=00000000-0000-4000-8000-000000000000' }
    case 'Microsoft.ManagedIdentity/userAssignedIdentities':
      return { principalId: `principal of ${name}`, clientId: '00000000-0000-4000-8000-00000000cccc' }
    default:
      return {}
  }
}

export interface QueueBody {
  name: string
  properties: Record<string, unknown>
}

/**
 * The deployment that the parameter file makes with this environment, and `overrides` of the main file's parameters; of the files
 * in `folder`, which may be a broken copy.
 */
export function deployedWith(
  environment: Record<string, string>,
  overrides: Record<string, unknown> = {},
  folder: string = azureFolder,
): Deployment & { queue: QueueBody } {
  const parameters = evaluateParameters(`${folder}main.bicepparam`, { ...usual, ...environment })
  const deployment = evaluateDeployment(`${folder}main.bicep`, { ...parameters, ...overrides }, answers)
  const queue = deployment.resources.find((one) => one.type === 'Microsoft.ServiceBus/namespaces/queues')
  return { ...deployment, queue: queue?.body as unknown as QueueBody }
}

export interface Container {
  image: string
  args?: string[]
  env: { name: string; value?: string }[]
  probes?: { type: string; httpGet: { path: string; port: number } }[]
}

/** The properties of a container app or a job, as far as these tests look at them. */
export interface AppProperties {
  configuration: {
    secrets: unknown[]
    identitySettings: { identity: string; lifecycle: string }[]
    triggerType?: string
  }
  template: {
    containers: [Container]
    terminationGracePeriodSeconds?: number
    scale: {
      minReplicas: number
      maxReplicas: number
      rules: { custom: { type: string; identity: string; metadata: Record<string, string> } }[]
    }
  }
}

/** What is asked for of one type, in order. */
export function bodiesOf(deployed: Deployment, type: string): Record<string, unknown>[] {
  return deployed.resources.filter((one) => one.type === type).map((one) => one.body)
}

/** The worker's container app. */
export function appOf(deployed: Deployment): AppProperties {
  return bodiesOf(deployed, 'Microsoft.App/containerApps')[0]?.properties as AppProperties
}
