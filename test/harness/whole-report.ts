import { afterEach } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'

/**
 * Loaded by `npm test` before every test file. Tests that never wait get a turn of the event loop between them: without one,
 * --test-force-exit ends the process before its report is written, and tests that ran are missing in the summary.
 */
afterEach(() => turn())
