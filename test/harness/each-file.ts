import { enableCompileCache } from 'node:module'
import { afterEach } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { compileCache } from './compile-cache.ts'

// Loaded by `npm test` before every test file.

enableCompileCache(compileCache)

/**
 * Tests that never wait get a turn of the event loop between them: without one, --test-force-exit ends the process before its
 * report is written, and tests that ran are missing in the summary.
 */
afterEach(() => turn())
