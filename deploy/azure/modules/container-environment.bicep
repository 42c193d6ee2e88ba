param location string
param tags object
param suffix string
param logWorkspaceId string
param infrastructureSubnetId string

resource apps 'Microsoft.App/managedEnvironments@2025-01-01' = {
  name: 'cae-enricher-${suffix}'
  location: location
  tags: tags
  properties: {
    // By diagnostic setting instead of with the log workspace's key.
    appLogsConfiguration: {
      destination: 'azure-monitor'
    }
    workloadProfiles: [
      {
        name: 'Consumption'
        workloadProfileType: 'Consumption'
      }
    ]
    vnetConfiguration: empty(infrastructureSubnetId) ? null : { infrastructureSubnetId: infrastructureSubnetId, internal: true }
  }
}

resource logs 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  name: 'to-log-analytics'
  scope: apps
  properties: {
    workspaceId: logWorkspaceId
    logs: [
      {
        category: 'ContainerAppConsoleLogs'
        enabled: true
      }
      {
        category: 'ContainerAppSystemLogs'
        enabled: true
      }
    ]
  }
}

output environmentId string = apps.id
