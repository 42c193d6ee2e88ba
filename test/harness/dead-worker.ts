import { once } from 'node:events'
import { setImmediate as turn } from 'node:timers/promises'
import type { Stack } from '../../deploy/local/start-stack.ts'
import type { WorkerProcess } from './worker-process.ts'

/**
 * Waits until a killed worker, the only one on its queue, is gone for the broker too, and then ends the locks that it held:
 * what time does on a real queue, after up to a minute.
 */
export async function buryWorker(stack: Stack, worker: WorkerProcess, queue = 'incidents'): Promise<void> {
  if (worker.child.exitCode === null && worker.child.signalCode === null) await once(worker.child, 'exit')
  while (stack.broker.inspect(queue).receivers > 0) await turn()
  for (const { sequenceNumber, lockedUntil } of stack.broker.inspect(queue).active) {
    if (lockedUntil !== undefined) stack.broker.faults.expireLock(sequenceNumber, queue)
  }
}
