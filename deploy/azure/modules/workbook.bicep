param location string
param tags object
param logWorkspaceId string
param serviceBusId string

// The queries lie in ../queries, where a test compares their names with what the worker logs.
var logTiles = [
  { title: 'Incidents by outcome', visualization: 'timechart', query: loadTextContent('../queries/outcomes.kql') }
  { title: 'Seconds from message to tag', visualization: 'timechart', query: loadTextContent('../queries/time-to-enrichment.kql') }
  { title: 'Tokens and cost by day, workspace and model', visualization: 'table', query: loadTextContent('../queries/tokens-and-cost.kql') }
  { title: 'Refusals', visualization: 'table', query: loadTextContent('../queries/refusals.kql') }
  { title: 'Dead letters by reason', visualization: 'table', query: loadTextContent('../queries/dead-letters.kql') }
  { title: 'Replicas and circuits', visualization: 'table', query: loadTextContent('../queries/worker.kql') }
]

var timeRange = {
  type: 9
  name: 'time range'
  content: {
    version: 'KqlParameterItem/1.0'
    style: 'pills'
    parameters: [
      {
        id: guid('time range')
        version: 'KqlParameterItem/1.0'
        name: 'TimeRange'
        label: 'Time'
        type: 4
        isRequired: true
        value: { durationMs: 86400000 }
        typeSettings: {
          selectableValues: [{ durationMs: 3600000 }, { durationMs: 86400000 }, { durationMs: 604800000 }, { durationMs: 2592000000 }]
        }
      }
    ]
  }
}

var logItems = [
  for tile in logTiles: {
    type: 3
    name: tile.title
    content: {
      version: 'KqlItem/1.0'
      title: tile.title
      query: tile.query
      size: 0
      queryType: 0
      resourceType: 'microsoft.operationalinsights/workspaces'
      crossComponentResources: [logWorkspaceId]
      timeContextFromParameter: 'TimeRange'
      visualization: tile.visualization
    }
  }
]

// Queue depth and dead letters are the queue's own numbers: they are right even when no worker runs.
var queueItem = {
  type: 10
  name: 'Queue'
  content: {
    version: 'MetricsItem/2.0'
    chartId: guid('queue')
    title: 'Messages waiting, and dead letters'
    size: 0
    chartType: 2
    resourceType: 'microsoft.servicebus/namespaces'
    resourceIds: [serviceBusId]
    metricScope: 0
    timeContextFromParameter: 'TimeRange'
    metrics: [
      {
        namespace: 'microsoft.servicebus/namespaces'
        metric: 'microsoft.servicebus/namespaces--ActiveMessages'
        aggregation: 3
      }
      {
        namespace: 'microsoft.servicebus/namespaces'
        metric: 'microsoft.servicebus/namespaces--DeadletteredMessages'
        aggregation: 3
      }
    ]
  }
}

resource workbook 'Microsoft.Insights/workbooks@2023-06-01' = {
  name: guid(resourceGroup().id, 'incident-enricher')
  location: location
  tags: tags
  kind: 'shared'
  properties: {
    displayName: 'incident-enricher'
    category: 'workbook'
    sourceId: logWorkspaceId
    version: 'Notebook/1.0'
    serializedData: string({ version: 'Notebook/1.0', items: concat([timeRange, queueItem], logItems) })
  }
}
