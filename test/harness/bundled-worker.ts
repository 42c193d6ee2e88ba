import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { bundleWorker } from '../../deploy/bundle.ts'
import { WorkerProcess } from './worker-process.ts'

/** Tells the test files of one run where its bundle is. */
const variable = 'ENRICHER_TEST_BUNDLE'

let bundled: Promise<void> | undefined

/**
 * From now on this process's workers run the bundle, as the image does: they start several times faster, which is what a
 * test with a hundred kills waits for. `npm test` makes one for all files; a file that is run alone makes its own.
 */
export function useBundledWorker(): Promise<void> {
  bundled ??= findOrMakeBundle()
  return bundled
}

/** Makes the bundle that the test processes started from here share; returns what removes it. */
export async function makeSharedBundle(): Promise<() => void> {
  const { file, dispose } = await makeBundle()
  process.env[variable] = file
  return dispose
}

async function findOrMakeBundle(): Promise<void> {
  const shared = process.env[variable]
  if (shared) {
    WorkerProcess.entry = [shared]
    return
  }
  const { file, dispose } = await makeBundle()
  process.on('exit', dispose)
  WorkerProcess.entry = [file]
}

async function makeBundle(): Promise<{ file: string; dispose: () => void }> {
  const folder = mkdtempSync(join(tmpdir(), 'enricher-bundle-'))
  const { file } = await bundleWorker(folder)
  return { file, dispose: () => rmSync(folder, { recursive: true, force: true }) }
}
