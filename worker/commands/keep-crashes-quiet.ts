import type { Log } from '../../shared/log.ts'

/**
 * What a crash leaves behind: one line with the error's class and frames. Node's own report of it would print the error's
 * members, where an SDK keeps requests with their headers, and a diagnostic report would list the environment.
 */
export function keepCrashesQuiet(log: Log): void {
  process.report.excludeEnv = true
  for (const event of ['uncaughtException', 'unhandledRejection'] as const) {
    process.on(event, (error: unknown) => {
      log.fatal(
        { event: 'worker.stopped', exitCode: 1, err: error },
        'the worker met an error that nothing handles; what was in flight comes back when its locks end',
      )
      process.exit(1)
    })
  }
}
