param location string
param tags object
param logWorkspaceId string
param serviceBusId string
param queueName string
param email string
param queueAge string
param tokensPerDay int

resource people 'Microsoft.Insights/actionGroups@2023-01-01' = if (!empty(email)) {
  name: 'ag-enricher'
  location: 'Global'
  tags: tags
  properties: {
    groupShortName: 'enricher'
    enabled: true
    emailReceivers: [
      {
        name: 'operators'
        emailAddress: email
        useCommonAlertSchema: true
      }
    ]
  }
}

var metricActions = empty(email) ? [] : [{ actionGroupId: people.id }]
var logActions = empty(email) ? [] : [people.id]
var ofTheQueue = [
  {
    name: 'EntityName'
    operator: 'Include'
    values: [queueName]
  }
]

resource deadLetters 'Microsoft.Insights/metricAlerts@2018-03-01' = {
  name: 'enricher-dead-letters'
  location: 'Global'
  tags: tags
  properties: {
    description: 'Incidents were given up: "enricher dlq list" groups them by reason, "enricher dlq replay" puts them back.'
    severity: 2
    enabled: true
    scopes: [serviceBusId]
    evaluationFrequency: 'PT5M'
    windowSize: 'PT5M'
    criteria: {
      'odata.type': 'Microsoft.Azure.Monitor.SingleResourceMultipleMetricCriteria'
      allOf: [
        {
          name: 'dead letters'
          criterionType: 'StaticThresholdCriterion'
          metricNamespace: 'Microsoft.ServiceBus/namespaces'
          metricName: 'DeadletteredMessages'
          dimensions: ofTheQueue
          operator: 'GreaterThan'
          threshold: 0
          timeAggregation: 'Maximum'
        }
      ]
    }
    actions: metricActions
  }
}

// Service Bus has no metric of a message's age. A queue that was never empty for this long is the nearest sign: the worker keeps
// up or it does not, and a message in work still counts as active.
resource oldMessages 'Microsoft.Insights/metricAlerts@2018-03-01' = {
  name: 'enricher-old-messages'
  location: 'Global'
  tags: tags
  properties: {
    description: 'The queue has not been empty for ${queueAge}: incidents wait longer than that, or the worker cannot keep up.'
    severity: 2
    enabled: true
    scopes: [serviceBusId]
    evaluationFrequency: 'PT5M'
    windowSize: queueAge
    criteria: {
      'odata.type': 'Microsoft.Azure.Monitor.SingleResourceMultipleMetricCriteria'
      allOf: [
        {
          name: 'never empty'
          criterionType: 'StaticThresholdCriterion'
          metricNamespace: 'Microsoft.ServiceBus/namespaces'
          metricName: 'ActiveMessages'
          dimensions: ofTheQueue
          operator: 'GreaterThan'
          threshold: 0
          timeAggregation: 'Minimum'
        }
      ]
    }
    actions: metricActions
  }
}

resource circuitOpen 'Microsoft.Insights/scheduledQueryRules@2023-12-01' = {
  name: 'enricher-circuit-open'
  location: location
  tags: tags
  kind: 'LogAlert'
  properties: {
    displayName: 'incident-enricher: a dependency is down'
    description: 'The model, Azure Resource Manager or the table store fails, and the worker takes no messages until it answers again. Nothing is lost.'
    severity: 1
    enabled: true
    scopes: [logWorkspaceId]
    evaluationFrequency: 'PT5M'
    windowSize: 'PT6H'
    // The table is made with its first row, which may come after this rule.
    skipQueryValidation: true
    criteria: {
      allOf: [
        {
          query: loadTextContent('../queries/alert-circuit-open.kql')
          timeAggregation: 'Count'
          operator: 'GreaterThan'
          threshold: 0
          failingPeriods: {
            numberOfEvaluationPeriods: 1
            minFailingPeriodsToAlert: 1
          }
        }
      ]
    }
    autoMitigate: true
    actions: {
      actionGroups: logActions
    }
  }
}

resource dailyBudget 'Microsoft.Insights/scheduledQueryRules@2023-12-01' = if (tokensPerDay > 0) {
  name: 'enricher-daily-budget'
  location: location
  tags: tags
  kind: 'LogAlert'
  properties: {
    displayName: 'incident-enricher: 80 % of the day\'s tokens are spent'
    description: 'When the day\'s ceiling is reached, incidents wait for the next UTC day. Raise tokensPerDay, or find out what comes in.'
    severity: 2
    enabled: true
    scopes: [logWorkspaceId]
    evaluationFrequency: 'PT15M'
    windowSize: 'P1D'
    skipQueryValidation: true
    criteria: {
      allOf: [
        {
          query: replace(loadTextContent('../queries/alert-daily-budget.kql'), '{tokensPerDay}', string(tokensPerDay))
          timeAggregation: 'Count'
          operator: 'GreaterThan'
          threshold: 0
          failingPeriods: {
            numberOfEvaluationPeriods: 1
            minFailingPeriodsToAlert: 1
          }
        }
      ]
    }
    autoMitigate: true
    actions: {
      actionGroups: logActions
    }
  }
}
