import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { bundleWorker } from '../../deploy/bundle.ts'
import { WorkerProcess } from './worker-process.ts'

let bundled: Promise<void> | undefined

/**
 * From now on this process's workers run the bundle, as the image does: they start several times faster, which is what a
 * test with a hundred kills waits for. It is made once, and goes with the process.
 */
export function useBundledWorker(): Promise<void> {
  bundled ??= makeBundle()
  return bundled
}

async function makeBundle(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'enricher-bundle-'))
  process.on('exit', () => rmSync(folder, { recursive: true, force: true }))
  const { file } = await bundleWorker(folder)
  WorkerProcess.entry = [file]
}
