/** The parts of V8's `.cpuprofile` that are used here; times in microseconds. */
export interface CpuProfile {
  nodes: { id: number; callFrame: { functionName: string; url: string; lineNumber: number } }[]
  samples: number[]
  timeDeltas: number[]
  startTime: number
}

export interface ProfileShare {
  name: string
  ms: number
}

/**
 * Time by owner (a package, a folder of the worker, Node itself, the collector), samples before `fromUs` left out. A sample
 * belongs to the function that ran, not to its callers.
 *
 * @param fromUs on V8's clock, which is the system's monotonic one
 */
export function timeByOwner(profile: CpuProfile, fromUs: number, nameOf = ownerOf): ProfileShare[] {
  const frames = new Map(profile.nodes.map((node) => [node.id, node.callFrame]))
  const micros = new Map<string, number>()
  let at = profile.startTime
  for (const [index, sample] of profile.samples.entries()) {
    const delta = profile.timeDeltas[index] ?? 0
    at += delta
    if (at < fromUs) continue
    const frame = frames.get(sample)
    if (!frame || frame.functionName === '(idle)') continue
    const name = nameOf(frame)
    micros.set(name, (micros.get(name) ?? 0) + delta)
  }
  return [...micros].map(([name, us]) => ({ name, ms: us / 1000 })).sort((a, b) => b.ms - a.ms)
}

function ownerOf({ functionName, url }: { functionName: string; url: string }): string {
  if (functionName === '(garbage collector)') return 'collecting garbage'
  // Native code that no JavaScript function stands for: sockets, TLS, compilation.
  if (functionName === '(program)') return 'native code outside JavaScript'
  if (functionName.startsWith('RegExp:')) return 'regular expressions'
  if (url === '' && /^write(v|Buffer|String|Utf8String|Latin1String)$/.test(functionName))
    return 'node: writing to sockets'
  const packaged = /.*\/node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(url)?.[1]
  if (packaged) return packaged
  if (url.startsWith('node:internal/deps/undici')) return 'node: fetch (undici)'
  if (/^node:(_http|https?$)/.test(url)) return 'node: HTTP client'
  if (url.startsWith('node:internal/crypto')) return 'node: crypto'
  if (url.startsWith('node:') || url === '') return 'node: everything else'
  return /\/(worker\/[^/]+|shared)\//.exec(url)?.[1] ?? 'worker'
}
