import { readFileSync } from 'node:fs'

/** What a process has used since its start. */
export interface ProcessUsage {
  /** User and system time of all its threads, in milliseconds; the kernel counts in steps of 10. */
  cpuMs: number
  /** Most memory that it ever had resident, in MB. */
  peakMb: number
}

/** The kernel's clock ticks per second, as `/proc` counts: 100 on every Linux that Node runs on. */
const ticksPerSecond = 100

/**
 * Asks the kernel, so that a worker and a script are measured alike and without any code in them.
 * @throws where there is no `/proc` (not Linux), or the process is gone
 */
export function usageOf(pid: number): ProcessUsage {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
  // The name in brackets may hold anything; the third field follows the last bracket (proc(5)).
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  const [user, system] = [Number(fields[11]), Number(fields[12])]
  const kilobytes = /^VmHWM:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]
  return { cpuMs: ((user + system) * 1000) / ticksPerSecond, peakMb: Number(kilobytes ?? 0) / 1024 }
}
