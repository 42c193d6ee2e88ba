param location string
param tags object
param suffix string

@description('The worker\'s code runs as this one.')
resource worker 'Microsoft.ManagedIdentity/userAssignedIdentities@2024-11-30' = {
  name: 'id-enricher-worker-${suffix}'
  location: location
  tags: tags
}

@description('Container Apps uses this one to scale, to pull the image and to mount the key; the containers cannot.')
resource platform 'Microsoft.ManagedIdentity/userAssignedIdentities@2024-11-30' = {
  name: 'id-enricher-platform-${suffix}'
  location: location
  tags: tags
}

output workerId string = worker.id
output workerClientId string = worker.properties.clientId
output workerPrincipalId string = worker.properties.principalId
output platformId string = platform.id
output platformPrincipalId string = platform.properties.principalId
