// What one Sentinel workspace grants, and the rule that starts the trigger there.
param workspaceName string
param workerPrincipalId string
param logicAppPrincipalId string
param logicAppId string

// Microsoft Sentinel Responder and Microsoft Sentinel Reader.
var responder = '3e150937-b8fe-4cfb-8069-0eaf05ecd056'
var reader = '8d289c81-5878-46d4-8554-54e1e3d8b5cb'

resource workspace 'Microsoft.OperationalInsights/workspaces@2025-02-01' existing = {
  name: workspaceName
}

// Reads incidents, writes their tasks and their tag. Reader cannot write; Contributor could change analytic rules as well.
resource workerResponds 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(workspace.id, workerPrincipalId, responder)
  scope: workspace
  properties: {
    principalId: workerPrincipalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', responder)
  }
}

// The incident trigger of the Sentinel connector asks for Reader, and the Logic App uses nothing else of the connector.
resource logicAppReads 'Microsoft.Authorization/roleAssignments@2022-04-01' = if (!empty(logicAppPrincipalId)) {
  name: guid(workspace.id, logicAppPrincipalId, reader)
  scope: workspace
  properties: {
    principalId: logicAppPrincipalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', reader)
  }
}

resource rule 'Microsoft.SecurityInsights/automationRules@2025-06-01' = if (!empty(logicAppId)) {
  name: guid(workspace.id, 'incident-enricher')
  scope: workspace
  properties: {
    displayName: 'Enrich new incidents (incident-enricher)'
    order: 100
    triggeringLogic: {
      isEnabled: true
      triggersOn: 'Incidents'
      triggersWhen: 'Created'
      conditions: []
    }
    actions: [
      {
        order: 1
        actionType: 'RunPlaybook'
        actionConfiguration: {
          logicAppResourceId: logicAppId
          tenantId: tenant().tenantId
        }
      }
    ]
  }
}
