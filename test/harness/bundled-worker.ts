import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { bundleWorker } from '../../deploy/bundle.ts'
import { WorkerProcess } from './worker-process.ts'

/**
 * From now on worker processes run the bundle, as the image does: they start several times faster, which is what a test
 * with a hundred kills waits for.
 *
 * @returns removes the bundle
 */
export async function useBundledWorker(): Promise<() => void> {
  const folder = mkdtempSync(join(tmpdir(), 'enricher-bundle-'))
  const { file } = await bundleWorker(folder)
  WorkerProcess.entry = [file]
  return () => rmSync(folder, { recursive: true, force: true })
}
