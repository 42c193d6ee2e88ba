import { spawnSync } from 'node:child_process'

/** Runs a tool to its end and returns its standard output. @throws Error with the end of its output when it fails */
export function runTool(command: string, args: string[], options: { cwd?: string; timeoutMs?: number } = {}): string {
  const result = spawnSync(command, args, {
    cwd: options.cwd,
    timeout: options.timeoutMs ?? 120_000,
    encoding: 'utf8',
    maxBuffer: 2 ** 26,
  })
  if (result.error) throw new Error(`${command} could not run (${result.error.message}): .ci/run installs it`)
  if (result.status !== 0) {
    const output = `${result.stdout}\n${result.stderr}`.trim().split('\n').slice(-30).join('\n')
    throw new Error(
      `${command} ${args.slice(0, 4).join(' ')} … ended with ${result.status ?? result.signal}:\n${output}`,
    )
  }
  return result.stdout.trim()
}
