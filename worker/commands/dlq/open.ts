import { DeadLetterQueue } from '../../replay/dead-letter-queue.ts'
import { type OperatorConfiguration, readOperatorConfiguration } from '../operator-configuration.ts'
import { queueCredential } from '../queue-credential.ts'

/** Opens the dead letters of the configured queue for as long as `work` takes. */
export async function withDeadLetters<T>(
  work: (queue: DeadLetterQueue, configuration: OperatorConfiguration) => Promise<T>,
): Promise<T> {
  const configuration = readOperatorConfiguration(process.env)
  const queue = new DeadLetterQueue(configuration.queue, await queueCredential(configuration))
  try {
    return await work(queue, configuration)
  } finally {
    await queue.close()
  }
}
