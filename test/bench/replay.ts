import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startBroker } from '../../deploy/local/service-bus/broker.ts'
import { CommandProcess } from '../harness/command.ts'
import { expireIntoDeadLetters, incidentArmId, incidentGuid } from '../harness/dead-letters.ts'

/**
 * Dead letters by the thousand: how long a list takes, how fast a replay is (from the head, and with bystanders between, which
 * are swept past), and how much memory each takes. All have the same small heap, because garbage that nobody needs to collect
 * looks like growth: memory is flat when ten times as many fit into it. The young generation is no part of that limit, and where it
 * outgrows it V8 collects the whole heap all the time: it is kept small too.
 */
const sizes = [1_000, 10_000]
const heapMb = 96
const bodyBytes = 1_000

const folder = mkdtempSync(join(tmpdir(), 'bench-replay-'))
const rows: string[] = []
for (const size of sizes) {
  for (const shape of ['all', 'every second'] as const) {
    const broker = await startBroker({
      queues: [{ name: 'incidents', duplicateDetectionWindowMs: 600_000, deadLetterOnExpiration: true }],
    })
    await expireIntoDeadLetters(broker, 'incidents', size, (number) => ({
      body: JSON.stringify({ incidentArmId: incidentArmId(number), pad: 'x'.repeat(bodyBytes) }),
      messageId: `${incidentGuid(number)}:recommended-steps`,
      applicationProperties: { 'enricher-dependency': number % 2 ? 'model' : 'sentinel' },
    }))
    const environment = {
      SERVICEBUS_CONNECTION_STRING: broker.connectionString,
      XDG_STATE_HOME: join(folder, `${size}-${shape}`),
      NODE_OPTIONS: `--max-old-space-size=${heapMb} --max-semi-space-size=8`,
    }
    const listed = await measure(environment, 'dlq', 'list')
    const selection = shape === 'all' ? [] : ['--dependency', 'model']
    const replayed = await measure(environment, 'dlq', 'replay', ...selection, '--yes', '--json')
    const { moved, seconds } = JSON.parse(replayed.stdout) as { moved: number; seconds: number }
    const expected = shape === 'all' ? size : size / 2
    if (moved !== expected || broker.inspect('incidents').active.length !== expected)
      throw new Error('some were not moved')
    rows.push(
      `${String(size).padStart(6)} dead letters, ${shape.padEnd(12)} list ${(listed.ms / 1000).toFixed(1)} s, ${listed.peakMb} MB;  replay ${moved} in ${seconds.toFixed(1)} s = ${Math.round(moved / seconds)}/s, ${replayed.peakMb} MB`,
    )
    process.stdout.write(`${rows.at(-1)}\n`)
    await broker.close()
  }
}
rmSync(folder, { recursive: true })
process.exit(0)

/** Runs a command; its peak memory is what the kernel saw (Linux), 0 elsewhere. */
async function measure(environment: Record<string, string>, ...args: string[]) {
  const startedAt = performance.now()
  const command = new CommandProcess(environment, ...args)
  let peakMb = 0
  const watch = setInterval(() => {
    peakMb = Math.max(peakMb, peakOf(command.child.pid ?? 0))
  }, 50)
  const { stdout } = await command.result
  clearInterval(watch)
  return { ms: performance.now() - startedAt, stdout, peakMb }
}

function peakOf(pid: number): number {
  try {
    const kilobytes = /^VmHWM:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]
    return Math.round(Number(kilobytes ?? 0) / 1024)
  } catch {
    return 0
  }
}
