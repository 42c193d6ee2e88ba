import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { WorkerOutput, WorkerProcess } from '../harness/worker-process.ts'

/**
 * What takes incidents from a queue: the worker, the same without a run record, the afternoon's script in two orders, or the
 * floor.
 */
export type CandidateName = 'worker' | 'worker, no record' | 'script' | 'published order' | 'floor'

const peers: Record<Exclude<CandidateName, 'worker' | 'worker, no record'>, string[]> = {
  script: ['script.ts', 'parallel'],
  'published order': ['script.ts', 'published'],
  floor: ['floor.ts'],
}

/** Starts one in a process of its own; all read the same environment. */
export function startCandidate(name: CandidateName, environment: Record<string, string>): WorkerOutput {
  if (name === 'worker') return new WorkerProcess({ ...fastWrites, ...environment }, 'run')
  if (name === 'worker, no record') {
    return new WorkerProcess({ ...fastWrites, ...environment, STATE_STORE: 'memory' }, 'run')
  }
  const [file = '', ...args] = peers[name]
  const program = fileURLToPath(new URL(`./peers/${file}`, import.meta.url))
  return new WorkerOutput(
    spawn(process.execPath, [program, ...args], {
      env: { PATH: process.env.PATH ?? '', NODE_ENV: 'production', ...environment },
      stdio: ['ignore', 'pipe', 'pipe'],
    }),
  )
}

/** ARM's own rate would be what is measured. */
const fastWrites = { SENTINEL_WRITES_PER_SECOND: '10000' }
