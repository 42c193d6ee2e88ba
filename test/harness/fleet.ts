import { ServiceBusClient } from '@azure/service-bus'
import { type Stack, type StackOptions, startStack } from '../../deploy/local/start-stack.ts'
import { useBundledWorker } from './bundled-worker.ts'
import { addIncidents, type TestIncident } from './incidents.ts'
import { sendBodies } from './send-bodies.ts'
import { WorkerProcess } from './worker-process.ts'

/** A stack, the bundled worker, and as many of its processes as a test starts; `close` ends them all. */
export class Fleet {
  readonly stack: Stack
  readonly workers: WorkerProcess[] = []
  readonly #client: ServiceBusClient

  private constructor(stack: Stack) {
    this.stack = stack
    this.#client = new ServiceBusClient(stack.broker.connectionString)
  }

  static async open(options: StackOptions = {}): Promise<Fleet> {
    await useBundledWorker()
    return new Fleet(await startStack({ sentinelThrottle: false, ...options }))
  }

  /** Starts a worker with quick ARM writes; `environment` is set over that. */
  start(environment: Record<string, string> = {}, ...command: string[]): WorkerProcess {
    const worker = new WorkerProcess(
      { ...this.stack.environment, SENTINEL_WRITES_PER_SECOND: '1000', ...environment },
      ...(command.length > 0 ? command : ['run']),
    )
    this.workers.push(worker)
    return worker
  }

  /** Adds open incidents and sends their ids, in batches as large as the queue takes. */
  async sendNew(count: number, queue = 'incidents'): Promise<TestIncident[]> {
    const incidents = addIncidents(this.stack, count)
    await this.send(
      incidents.map(({ armId }) => armId),
      queue,
    )
    return incidents
  }

  async send(bodies: readonly unknown[], queue = 'incidents'): Promise<void> {
    await sendBodies(this.#client, queue, bodies)
  }

  async close(): Promise<void> {
    await Promise.all(this.workers.map((worker) => worker.stop('SIGKILL')))
    await this.#client.close()
    await this.stack.close()
  }
}
