param location string
param tags object
param suffix string
param platformPrincipalId string

@secure()
param apiKey string

// Key Vault Secrets User: reads secrets' values.
var secretsUser = '4633458b-17de-408a-b874-0445c86b69e6'

resource vault 'Microsoft.KeyVault/vaults@2024-11-01' = {
  name: 'kv-enr-${suffix}'
  location: location
  tags: tags
  properties: {
    tenantId: tenant().tenantId
    sku: {
      family: 'A'
      name: 'standard'
    }
    enableRbacAuthorization: true
    enableSoftDelete: true
    softDeleteRetentionInDays: 7
  }
}

resource secret 'Microsoft.KeyVault/vaults/secrets@2024-11-01' = {
  parent: vault
  name: 'openai-api-key'
  properties: {
    value: apiKey
    contentType: 'text/plain'
  }
}

// The platform reads this one secret to mount it as a file; the worker has no access to the vault.
resource platformReadsKey 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(secret.id, platformPrincipalId, secretsUser)
  scope: secret
  properties: {
    principalId: platformPrincipalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', secretsUser)
  }
}

// Without a version: a rotated key is found by the next revision or restart.
output secretUri string = secret.properties.secretUri
