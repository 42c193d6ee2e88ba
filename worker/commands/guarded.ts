import { loadDotEnv } from '../configuration.ts'
import { explainFailure } from './explain-failure.ts'
import { tell } from './terminal/paint.ts'

/** What a connection that cannot be closed may hold a finished command up. */
const lingerMs = 500

/** Runs a command's action: sets the exit code it returns, and says in plain words what went wrong. */
export function guarded<A extends unknown[]>(action: (...args: A) => Promise<number>): (...args: A) => Promise<void> {
  return async (...args) => {
    try {
      loadDotEnv()
      process.exitCode = await action(...args)
    } catch (error) {
      const { text, code } = explainFailure(error)
      tell(text)
      process.exitCode = code
    }
    setTimeout(() => process.exit(), lingerMs).unref()
  }
}
