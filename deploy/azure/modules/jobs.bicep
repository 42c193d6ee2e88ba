param location string
param tags object
param environmentId string
param image string
param registryServer string
param workerIdentityId string
param platformIdentityId string
param environmentVariables array
param apiKeySecretUri string
param workspaceIds string[]
param backfillSchedule string
param replaySchedule string

var hasKey = !empty(apiKeySecretUri)

// The image once more, with another command; the job is started by hand where it has no schedule, and can be where it has one.
var replay = {
  name: 'caj-enricher-replay'
  schedule: replaySchedule
  // At most 500 a run, five a second: what fails again is back in the dead-letter queue, and the next run is another decision.
  args: ['dlq', 'replay', '--limit', '500', '--rate', '5/s', '--yes']
}
// One real call to every dependency, with the identity and the network that the worker has.
var check = {
  name: 'caj-enricher-check'
  schedule: ''
  args: ['check']
}
var backfills = [
  for (id, index) in workspaceIds: {
    name: 'caj-enricher-backfill-${index}'
    schedule: backfillSchedule
    args: ['backfill', '--workspace', id, '--since', '24h']
  }
]

resource jobs 'Microsoft.App/jobs@2025-01-01' = [
  for job in concat([replay, check], backfills): {
    name: job.name
    location: location
    tags: tags
    identity: {
      type: 'UserAssigned'
      userAssignedIdentities: {
        '${workerIdentityId}': {}
        '${platformIdentityId}': {}
      }
    }
    properties: {
      environmentId: environmentId
      workloadProfileName: 'Consumption'
      configuration: {
        triggerType: empty(job.schedule) ? 'Manual' : 'Schedule'
        manualTriggerConfig: empty(job.schedule) ? { parallelism: 1, replicaCompletionCount: 1 } : null
        scheduleTriggerConfig: empty(job.schedule)
          ? null
          : { cronExpression: job.schedule, parallelism: 1, replicaCompletionCount: 1 }
        replicaTimeout: 1800
        // Both commands take up where they stopped when they are started again; a retry at once would meet the same trouble.
        replicaRetryLimit: 0
        registries: [
          {
            server: registryServer
            identity: platformIdentityId
          }
        ]
        secrets: hasKey ? [{ name: 'openai-api-key', keyVaultUrl: apiKeySecretUri, identity: platformIdentityId }] : []
        identitySettings: [
          {
            identity: workerIdentityId
            lifecycle: 'Main'
          }
          {
            identity: platformIdentityId
            lifecycle: 'None'
          }
        ]
      }
      template: {
        containers: [
          {
            name: 'enricher'
            image: image
            args: job.args
            env: environmentVariables
            resources: {
              cpu: json('0.25')
              memory: '0.5Gi'
            }
            volumeMounts: hasKey ? [{ volumeName: 'secrets', mountPath: '/mnt/secrets' }] : []
          }
        ]
        volumes: hasKey
          ? [
              {
                name: 'secrets'
                storageType: 'Secret'
                secrets: [{ secretRef: 'openai-api-key', path: 'openai-api-key' }]
              }
            ]
          : []
      }
    }
  }
]
