import type { TokenCredential } from '@azure/identity'
import type { Configuration } from '../configuration.ts'

/** The identity for the queue. With a connection string none is made, nor its library loaded: a command answers sooner. */
export async function queueCredential(
  configuration: Pick<Configuration, 'queue' | 'identityClientId'>,
): Promise<() => TokenCredential> {
  if (configuration.queue.connectionString) {
    return () => {
      throw new Error('a connection string needs no identity')
    }
  }
  const { createCredential } = await import('../credential.ts')
  return () => createCredential(configuration.identityClientId)
}
