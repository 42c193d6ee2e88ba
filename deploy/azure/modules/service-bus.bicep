param location string
param tags object
param suffix string
param workerPrincipalId string
param platformPrincipalId string

// Azure Service Bus Data Receiver, Data Sender and Data Owner.
var dataReceiver = '4f6d3b9b-027b-4f4c-9142-0e5a2a2247e0'
var dataSender = '69a216fc-b8fb-44d8-bc22-1f3c2cd27a39'
var dataOwner = '090c5cfd-751d-490a-894a-3ce6f1109419'

resource namespace 'Microsoft.ServiceBus/namespaces@2024-01-01' = {
  name: 'sb-enricher-${suffix}'
  location: location
  tags: tags
  sku: {
    // Duplicate detection and scheduled messages need standard; 256 KB a message are plenty for an id.
    name: 'Standard'
    tier: 'Standard'
  }
  properties: {
    // No keys: whoever sends or receives has an identity and a role.
    disableLocalAuth: true
    minimumTlsVersion: '1.2'
  }
}

resource queue 'Microsoft.ServiceBus/namespaces/queues@2024-01-01' = {
  parent: namespace
  name: 'incidents'
  properties: {
    // An incident that triggers twice is one message. Cannot be switched on later.
    requiresDuplicateDetection: true
    duplicateDetectionHistoryTimeWindow: 'PT10M'
    // The worker renews its locks; this is how long a message waits after a replica was killed.
    lockDuration: 'PT1M'
    // The backstop only. The worker counts attempts itself, and a drain or a lost lock is none.
    maxDeliveryCount: 100
    // Longer than any outage that somebody would sit out. What expires is kept and can be replayed.
    defaultMessageTimeToLive: 'P14D'
    deadLetteringOnMessageExpiration: true
    maxSizeInMegabytes: 1024
  }
}

// Takes, completes and dead-letters messages.
resource workerReceives 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(queue.id, workerPrincipalId, dataReceiver)
  scope: queue
  properties: {
    principalId: workerPrincipalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', dataReceiver)
  }
}

// Sends the delayed copy of a deferred message; replay and backfill send too.
resource workerSends 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(queue.id, workerPrincipalId, dataSender)
  scope: queue
  properties: {
    principalId: workerPrincipalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', dataSender)
  }
}

// The scaler reads the queue's length through the management interface, which wants the Manage claim; of the built-in data
// roles only Data Owner has it. On this queue alone, and for an identity that no container can use.
resource platformCounts 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(queue.id, platformPrincipalId, dataOwner)
  scope: queue
  properties: {
    principalId: platformPrincipalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', dataOwner)
  }
}

output namespaceId string = namespace.id
output namespaceName string = namespace.name
// https://name.servicebus.windows.net:443/ in the public cloud; sovereign clouds have other suffixes.
output hostName string = split(split(namespace.properties.serviceBusEndpoint, '/')[2], ':')[0]
output queueName string = queue.name
