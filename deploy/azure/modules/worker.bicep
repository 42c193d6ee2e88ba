param location string
param tags object
param environmentId string
param image string
param registryServer string
param workerIdentityId string
param platformIdentityId string
param environmentVariables array
param apiKeySecretUri string
param serviceBusNamespace string
param queueName string
param messagesPerReplica int
param maxReplicas int
param terminationGraceSeconds int

// Holds the place until the registry has an image. It takes no messages; they wait.
var placeholder = 'mcr.microsoft.com/k8se/quickstart:latest'
var hasKey = !empty(apiKeySecretUri)

resource app 'Microsoft.App/containerApps@2025-01-01' = {
  name: 'ca-enricher-worker'
  location: location
  tags: union(tags, { 'azd-service-name': 'worker' })
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
      // A new revision takes over from the old one, which drains; two at a time would double the replicas.
      activeRevisionsMode: 'Single'
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
          // For the scaler, the image and the key: its tokens are not to be had in the container.
          identity: platformIdentityId
          lifecycle: 'None'
        }
      ]
    }
    template: {
      // Longer than the worker's own grace, so that the worker ends by itself and hands back what it could not finish.
      terminationGracePeriodSeconds: terminationGraceSeconds
      containers: [
        {
          name: 'worker'
          image: empty(image) ? placeholder : image
          env: environmentVariables
          resources: {
            cpu: json('0.5')
            memory: '1Gi'
          }
          probes: empty(image)
            ? []
            : [
                {
                  type: 'Startup'
                  httpGet: {
                    path: '/healthz/live'
                    port: 8080
                  }
                  periodSeconds: 2
                  failureThreshold: 10
                }
                {
                  type: 'Liveness'
                  httpGet: {
                    path: '/healthz/live'
                    port: 8080
                  }
                  periodSeconds: 30
                  timeoutSeconds: 5
                  failureThreshold: 4
                }
                {
                  type: 'Readiness'
                  httpGet: {
                    path: '/healthz/ready'
                    port: 8080
                  }
                  periodSeconds: 10
                  timeoutSeconds: 5
                  failureThreshold: 3
                }
              ]
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
      scale: {
        minReplicas: 0
        maxReplicas: maxReplicas
        pollingInterval: 15
        cooldownPeriod: 300
        rules: [
          {
            name: 'queue'
            custom: {
              type: 'azure-servicebus'
              identity: platformIdentityId
              metadata: {
                namespace: serviceBusNamespace
                queueName: queueName
                messageCount: string(messagesPerReplica)
              }
            }
          }
        ]
      }
    }
  }
}

output appName string = app.name
