import { DefaultAzureCredential, type TokenCredential } from '@azure/identity'

/** The identity: a managed one in Azure (`AZURE_CLIENT_ID` says which), the developer's own on a desk. */
export function createCredential(clientId: string | undefined): TokenCredential {
  return new DefaultAzureCredential(clientId ? { managedIdentityClientId: clientId } : {})
}

/** Made at the first call: a configuration without an identity never builds one. */
export function lazily<T>(make: () => T): () => T {
  let made: { value: T } | undefined
  return () => {
    made ??= { value: make() }
    return made.value
  }
}
