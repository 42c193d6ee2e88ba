// Everything that enriches incidents, in one resource group; README.md leads through it.
targetScope = 'resourceGroup'

// ── where ──────────────────────────────────────────────────────────────────────────────────────────────────────────
@description('Names the deployment: azd\'s environment, and a part of every resource\'s name.')
@minLength(1)
@maxLength(20)
param environmentName string

@description('Region of every resource. Near the model and the workspaces.')
param location string = resourceGroup().location

@description('Put on every resource.')
param tags object = {}

@description('Subnet of the Container Apps environment, delegated to Microsoft.App/environments, at least /27. Empty: Azure\'s own network.')
param infrastructureSubnetId string = ''

// ── Microsoft Sentinel ─────────────────────────────────────────────────────────────────────────────────────────────
@description('ARM ids of the Sentinel workspaces whose incidents are enriched; other subscriptions too. Nothing else is written to.')
@minLength(1)
param sentinelWorkspaceIds string[]

@description('What puts incidents on the queue. http: a Logic App with one HTTP action. connector: the same with the Service Bus connector. none: your own.')
@allowed(['http', 'connector', 'none'])
param trigger string = 'http'

@description('Object id, in this tenant, of the service principal "Azure Security Insights" (application 98785600-1bb7-4fb9-b9fa-19afe2c8a360). It runs the Logic App. Empty: no automation rule is made.')
param sentinelServicePrincipalId string = ''

// ── image ──────────────────────────────────────────────────────────────────────────────────────────────────────────
@description('The worker\'s image. Empty on the first deployment, which makes the registry that the image is then built in: the app waits with a placeholder.')
param image string = ''

// ── model ──────────────────────────────────────────────────────────────────────────────────────────────────────────
@description('An OpenAI key; it goes into Key Vault and is mounted as a file. Empty with Azure OpenAI, which needs no key.')
@secure()
param openAiApiKey string = ''

@description('ARM id of an Azure OpenAI resource; the worker\'s identity signs in there. Its resource group may be in another subscription.')
param azureOpenAiResourceId string = ''

@description('Endpoint of any other service that speaks OpenAI\'s API. Empty: OpenAI\'s own.')
param openAiBaseUrl string = ''

@description('Model, or the name of the Azure OpenAI deployment. Empty: the playbook\'s.')
param model string = ''

// ── budgets ────────────────────────────────────────────────────────────────────────────────────────────────────────
@description('The model deployment\'s quota, shared by all replicas; their number follows from it. 0: no limit.')
@minValue(0)
param tokensPerMinute int = 300000

@description('The same for requests. 0: no limit.')
@minValue(0)
param requestsPerMinute int = 0

@description('Tokens that may be spent per UTC day. 0: no limit, and no alert at 80 %.')
@minValue(0)
param tokensPerDay int = 5000000

@description('The same for each workspace. 0: no limit.')
@minValue(0)
param tokensPerDayPerWorkspace int = 0

@description('Prompt and completion, over all turns and retries of one incident.')
param tokensPerIncident int = 20000

// ── how the worker works ───────────────────────────────────────────────────────────────────────────────────────────
@description('The playbook: a name that the image ships. Part of every message id.')
param playbook string = 'recommended-steps'

@description('Incidents in flight per replica.')
@minValue(1)
param concurrency int = 16

@description('Delayed attempts before a message is dead-lettered.')
param maxAttempts int = 8

@description('First and longest step of the ladder of delays, in seconds.')
param retryBaseSeconds int = 15
param retryMaxSeconds int = 3600

@description('Seconds that work in flight gets when a replica is stopped; what does not end by then goes back to the queue.')
@minValue(5)
param shutdownGraceSeconds int = 25

@allowed(['trace', 'debug', 'info', 'warn', 'error'])
param logLevel string = 'info'

@description('Where OpenTelemetry goes besides Application Insights. Empty: nowhere.')
param otlpEndpoint string = ''

// ── what one call takes, for the arithmetic below ──────────────────────────────────────────────────────────────────
@description('Tokens that one call is charged against the quota: its prompt and its completion limit. Measured for recommended-steps: 370 and 550 on average.')
@minValue(1)
param tokensPerCall int = 1000

@description('How long one call takes, in seconds. An assumption until the model is chosen.')
@minValue(1)
param secondsPerCall int = 6

@description('Never more replicas than this, whatever the quota.')
@minValue(2)
param replicaCeiling int = 30

// ── jobs and alerts ────────────────────────────────────────────────────────────────────────────────────────────────
@description('When incidents without the tag are looked for and queued, in case a trigger was missed: cron, UTC. Empty: by hand only.')
param backfillSchedule string = '17 * * * *'

@description('When dead letters are put back on the queue: cron, UTC. Empty: by hand only, which is where to start.')
param replaySchedule string = ''

@description('Who gets the alerts. Empty: they show in the portal only.')
param alertEmail string = ''

@description('Alerts when the queue has not been empty for this long.')
@allowed(['PT5M', 'PT15M', 'PT30M', 'PT1H', 'PT6H'])
param queueAgeAlert string = 'PT30M'

@description('Days that logs are kept.')
param logRetentionDays int = 30

var suffix = uniqueString(resourceGroup().id, environmentName)
var allTags = union(tags, { 'azd-env-name': environmentName })
var workspaceIds = map(sentinelWorkspaceIds, id => trim(id))

// Little's law: calls per second that the quota allows, times how long one takes, are the calls in flight that use it up;
// more replicas than those calls need would hold locks and wait. Rounded up; at least two, so that one may die.
var tokensInFlight = tokensPerMinute * secondsPerCall
var tokensPerReplica = tokensPerCall * 60 * concurrency
var replicasForQuota = (tokensInFlight + tokensPerReplica - 1) / tokensPerReplica
var maxReplicas = tokensPerMinute == 0 ? replicaCeiling : max(2, min(replicaCeiling, replicasForQuota))
// Resource Manager grants one identity 10 writes per second and subscription; 8 of them, shared by the replicas, in tenths.
var writeTenths = max(1, 80 / maxReplicas)

// Two identities. The worker's own: what its code may do. The platform's: what Container Apps does for it (scale, pull, mount);
// no container can get a token of that one.
module identities 'modules/identities.bicep' = {
  name: 'identities'
  params: {
    location: location
    tags: allTags
    suffix: suffix
  }
}

module monitoring 'modules/monitoring.bicep' = {
  name: 'monitoring'
  params: {
    location: location
    tags: allTags
    suffix: suffix
    retentionDays: logRetentionDays
  }
}

module registry 'modules/registry.bicep' = {
  name: 'registry'
  params: {
    location: location
    tags: allTags
    suffix: suffix
    platformPrincipalId: identities.outputs.platformPrincipalId
  }
}

module serviceBus 'modules/service-bus.bicep' = {
  name: 'service-bus'
  params: {
    location: location
    tags: allTags
    suffix: suffix
    workerPrincipalId: identities.outputs.workerPrincipalId
    platformPrincipalId: identities.outputs.platformPrincipalId
  }
}

module state 'modules/state.bicep' = {
  name: 'state'
  params: {
    location: location
    tags: allTags
    suffix: suffix
    workerPrincipalId: identities.outputs.workerPrincipalId
  }
}

module modelKey 'modules/model-key.bicep' = if (!empty(openAiApiKey)) {
  name: 'model-key'
  params: {
    location: location
    tags: allTags
    suffix: suffix
    apiKey: openAiApiKey
    platformPrincipalId: identities.outputs.platformPrincipalId
  }
}

// A scope is computed even for a module that is left out, so it falls back to this resource group.
var openAiId = split(empty(azureOpenAiResourceId) ? resourceGroup().id : azureOpenAiResourceId, '/')

module modelAccess 'modules/model-access.bicep' = if (!empty(azureOpenAiResourceId)) {
  name: 'model-access'
  scope: resourceGroup(openAiId[2], openAiId[4])
  params: {
    accountName: last(openAiId)
    workerPrincipalId: identities.outputs.workerPrincipalId
  }
}

// Every variable of the worker, by the names of .env.example; empty is the same as not set. Keys are not among them.
var workerEnvironment = [
  { name: 'SERVICEBUS_NAMESPACE', value: serviceBus.outputs.hostName }
  { name: 'SERVICEBUS_QUEUE', value: serviceBus.outputs.queueName }
  { name: 'SENTINEL_WORKSPACES', value: join(workspaceIds, ',') }
  { name: 'AZURE_RESOURCE_MANAGER_URL', value: environment().resourceManager }
  { name: 'SENTINEL_WRITES_PER_SECOND', value: '${writeTenths / 10}.${writeTenths % 10}' }
  { name: 'AZURE_CLIENT_ID', value: identities.outputs.workerClientId }
  { name: 'AZURE_TOKEN_CREDENTIALS', value: 'ManagedIdentityCredential' }
  { name: 'OPENAI_API_KEY_FILE', value: empty(openAiApiKey) ? '' : '/mnt/secrets/openai-api-key' }
  { name: 'OPENAI_BASE_URL', value: openAiBaseUrl }
  { name: 'AZURE_OPENAI_ENDPOINT', value: empty(azureOpenAiResourceId) ? '' : modelAccess.outputs.endpoint }
  { name: 'OPENAI_MODEL', value: model }
  { name: 'STATE_STORE', value: 'table' }
  { name: 'AZURE_TABLES_URL', value: state.outputs.tablesUrl }
  { name: 'PLAYBOOK', value: playbook }
  { name: 'CONCURRENCY', value: string(concurrency) }
  { name: 'TOKENS_PER_INCIDENT', value: string(tokensPerIncident) }
  { name: 'TOKENS_PER_MINUTE', value: tokensPerMinute == 0 ? '' : string(tokensPerMinute) }
  { name: 'REQUESTS_PER_MINUTE', value: requestsPerMinute == 0 ? '' : string(requestsPerMinute) }
  { name: 'TOKENS_PER_DAY', value: tokensPerDay == 0 ? '' : string(tokensPerDay) }
  { name: 'TOKENS_PER_DAY_PER_WORKSPACE', value: tokensPerDayPerWorkspace == 0 ? '' : string(tokensPerDayPerWorkspace) }
  { name: 'MAX_ATTEMPTS', value: string(maxAttempts) }
  { name: 'RETRY_BASE_SECONDS', value: string(retryBaseSeconds) }
  { name: 'RETRY_MAX_SECONDS', value: string(retryMaxSeconds) }
  { name: 'SHUTDOWN_GRACE_SECONDS', value: string(shutdownGraceSeconds) }
  { name: 'HEALTH_PORT', value: '8080' }
  { name: 'LOG_LEVEL', value: logLevel }
  { name: 'APPLICATIONINSIGHTS_CONNECTION_STRING', value: monitoring.outputs.connectionString }
  { name: 'OTEL_EXPORTER_OTLP_ENDPOINT', value: otlpEndpoint }
]

module containerEnvironment 'modules/container-environment.bicep' = {
  name: 'container-environment'
  params: {
    location: location
    tags: allTags
    suffix: suffix
    logWorkspaceId: monitoring.outputs.workspaceId
    infrastructureSubnetId: infrastructureSubnetId
  }
}

module worker 'modules/worker.bicep' = {
  name: 'worker'
  params: {
    location: location
    tags: allTags
    environmentId: containerEnvironment.outputs.environmentId
    image: image
    registryServer: registry.outputs.loginServer
    workerIdentityId: identities.outputs.workerId
    platformIdentityId: identities.outputs.platformId
    environmentVariables: workerEnvironment
    apiKeySecretUri: empty(openAiApiKey) ? '' : modelKey.outputs.secretUri
    serviceBusNamespace: serviceBus.outputs.namespaceName
    queueName: serviceBus.outputs.queueName
    messagesPerReplica: concurrency
    maxReplicas: maxReplicas
    terminationGraceSeconds: shutdownGraceSeconds + 10
  }
}

// Without an image there is nothing to run; the second deployment makes them.
module jobs 'modules/jobs.bicep' = if (!empty(image)) {
  name: 'jobs'
  params: {
    location: location
    tags: allTags
    environmentId: containerEnvironment.outputs.environmentId
    image: image
    registryServer: registry.outputs.loginServer
    workerIdentityId: identities.outputs.workerId
    platformIdentityId: identities.outputs.platformId
    environmentVariables: workerEnvironment
    apiKeySecretUri: empty(openAiApiKey) ? '' : modelKey.outputs.secretUri
    workspaceIds: workspaceIds
    backfillSchedule: backfillSchedule
    replaySchedule: replaySchedule
  }
}

module logicApp 'modules/logic-app.bicep' = if (trigger != 'none') {
  name: 'logic-app'
  params: {
    location: location
    tags: allTags
    variant: trigger == 'connector' ? 'connector' : 'http'
    playbook: playbook
    serviceBusNamespace: serviceBus.outputs.namespaceName
    serviceBusHostName: serviceBus.outputs.hostName
    queueName: serviceBus.outputs.queueName
    sentinelServicePrincipalId: sentinelServicePrincipalId
  }
}

// One per workspace, wherever it lies: roles there, and the rule that runs the Logic App.
module workspaces 'modules/sentinel-workspace.bicep' = [
  for (id, index) in sentinelWorkspaceIds: {
    name: 'sentinel-workspace-${index}-${uniqueString(id)}'
    scope: resourceGroup(split(trim(id), '/')[2], split(trim(id), '/')[4])
    params: {
      workspaceName: last(split(trim(id), '/'))
      workerPrincipalId: identities.outputs.workerPrincipalId
      logicAppPrincipalId: trigger == 'none' ? '' : logicApp.outputs.principalId
      // The rule is refused until Sentinel may run the Logic App, which needs its principal's id.
      logicAppId: trigger == 'none' || empty(sentinelServicePrincipalId) ? '' : logicApp.outputs.workflowId
    }
  }
]

module workbook 'modules/workbook.bicep' = {
  name: 'workbook'
  params: {
    location: location
    tags: allTags
    logWorkspaceId: monitoring.outputs.workspaceId
    serviceBusId: serviceBus.outputs.namespaceId
  }
}

module alerts 'modules/alerts.bicep' = {
  name: 'alerts'
  params: {
    location: location
    tags: allTags
    logWorkspaceId: monitoring.outputs.workspaceId
    serviceBusId: serviceBus.outputs.namespaceId
    queueName: serviceBus.outputs.queueName
    email: alertEmail
    queueAge: queueAgeAlert
    tokensPerDay: tokensPerDay
  }
}

// azd reads the first; the others are what the README's commands need. No key is among them.
output AZURE_CONTAINER_REGISTRY_ENDPOINT string = registry.outputs.loginServer
output registryName string = registry.outputs.registryName
output serviceBusHostName string = serviceBus.outputs.hostName
output workerApp string = worker.outputs.appName
output maxReplicas int = maxReplicas
output logWorkspaceId string = monitoring.outputs.workspaceId
