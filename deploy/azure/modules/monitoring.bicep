param location string
param tags object
param suffix string
param retentionDays int

resource workspace 'Microsoft.OperationalInsights/workspaces@2025-02-01' = {
  name: 'log-enricher-${suffix}'
  location: location
  tags: tags
  properties: {
    sku: {
      name: 'PerGB2018'
    }
    retentionInDays: retentionDays
    // A log storm stops here instead of on the bill; the worker writes half a KB per incident.
    workspaceCapping: {
      dailyQuotaGb: 1
    }
  }
}

resource insights 'Microsoft.Insights/components@2020-02-02' = {
  name: 'appi-enricher-${suffix}'
  location: location
  tags: tags
  kind: 'other'
  properties: {
    Application_Type: 'other'
    WorkspaceResourceId: workspace.id
  }
}

output workspaceId string = workspace.id
// An address with an instrumentation key that lets the holder write telemetry, nothing else.
output connectionString string = insights.properties.ConnectionString
