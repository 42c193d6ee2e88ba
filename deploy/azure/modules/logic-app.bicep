// The trigger: a Logic App (Consumption) that puts an incident's id on the queue with its own identity.
param location string
param tags object
@allowed(['http', 'connector'])
param variant string
param playbook string
param serviceBusNamespace string
param serviceBusHostName string
param queueName string
param sentinelServicePrincipalId string

// Azure Service Bus Data Sender; Microsoft Sentinel Automation Contributor.
var dataSender = '69a216fc-b8fb-44d8-bc22-1f3c2cd27a39'
var automationContributor = 'f4c81013-99ee-4d62-a7ee-b3f1f648599a'

resource namespace 'Microsoft.ServiceBus/namespaces@2024-01-01' existing = {
  name: serviceBusNamespace
}

resource queue 'Microsoft.ServiceBus/namespaces/queues@2024-01-01' existing = {
  parent: namespace
  name: queueName
}

resource sentinelConnection 'Microsoft.Web/connections@2016-06-01' = {
  name: 'azuresentinel-enricher'
  location: location
  tags: tags
  properties: {
    displayName: 'incident-enricher: Microsoft Sentinel by managed identity'
    api: {
      id: subscriptionResourceId('Microsoft.Web/locations/managedApis', location, 'azuresentinel')
    }
    // The published type lacks it; without it the connection asks for a person's sign-in.
    #disable-next-line BCP037
    parameterValueType: 'Alternative'
  }
}

resource serviceBusConnection 'Microsoft.Web/connections@2016-06-01' = if (variant == 'connector') {
  name: 'servicebus-enricher'
  location: location
  tags: tags
  properties: {
    displayName: 'incident-enricher: Service Bus by managed identity'
    api: {
      id: subscriptionResourceId('Microsoft.Web/locations/managedApis', location, 'servicebus')
    }
    // As above: the published type lacks it.
    #disable-next-line BCP037
    parameterValueSet: {
      name: 'managedIdentityAuth'
      values: {
        namespaceEndpoint: {
          value: 'sb://${serviceBusHostName}/'
        }
      }
    }
  }
}

var sentinelReference = {
  azuresentinel: {
    connectionId: sentinelConnection.id
    connectionName: sentinelConnection.name
    id: subscriptionResourceId('Microsoft.Web/locations/managedApis', location, 'azuresentinel')
    connectionProperties: { authentication: { type: 'ManagedServiceIdentity' } }
  }
}
var serviceBusReference = {
  servicebus: {
    connectionId: resourceId('Microsoft.Web/connections', 'servicebus-enricher')
    connectionName: 'servicebus-enricher'
    id: subscriptionResourceId('Microsoft.Web/locations/managedApis', location, 'servicebus')
    connectionProperties: { authentication: { type: 'ManagedServiceIdentity' } }
  }
}
var httpParameters = {
  '$connections': { value: sentinelReference }
  queueUrl: { value: 'https://${serviceBusHostName}/${queueName}' }
  audience: { value: 'https://servicebus.azure.net' }
  playbook: { value: playbook }
}
var connectorParameters = {
  '$connections': { value: union(sentinelReference, serviceBusReference) }
  queue: { value: queueName }
  playbook: { value: playbook }
}

resource workflow 'Microsoft.Logic/workflows@2019-05-01' = {
  name: 'logic-enricher-trigger'
  location: location
  tags: tags
  identity: {
    type: 'SystemAssigned'
  }
  properties: {
    state: 'Enabled'
    definition: variant == 'http' ? loadJsonContent('../logic-app/http.json') : loadJsonContent('../logic-app/connector.json')
    parameters: variant == 'http' ? httpParameters : connectorParameters
  }
  dependsOn: [
    serviceBusConnection
  ]
}

// Puts messages on this queue; can neither read nor take any.
resource logicAppSends 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(queue.id, workflow.id, dataSender)
  scope: queue
  properties: {
    principalId: workflow.identity.principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', dataSender)
  }
}

// Microsoft Sentinel itself starts the Logic App for the automation rule, and may do so in resource groups where it has this role;
// Sentinel checks the group, not the Logic App alone.
resource sentinelRuns 'Microsoft.Authorization/roleAssignments@2022-04-01' = if (!empty(sentinelServicePrincipalId)) {
  name: guid(resourceGroup().id, sentinelServicePrincipalId, automationContributor)
  scope: resourceGroup()
  properties: {
    principalId: sentinelServicePrincipalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', automationContributor)
  }
}

output workflowId string = workflow.id
output principalId string = workflow.identity.principalId
