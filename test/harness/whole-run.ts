import { makeSharedBundle } from './bundled-worker.ts'

let dispose: (() => void) | undefined

/** Node calls it once, before `npm test` starts its first file. */
export async function globalSetup(): Promise<void> {
  dispose = await makeSharedBundle()
}

export function globalTeardown(): void {
  dispose?.()
}
