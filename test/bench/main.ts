import { execFileSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { loadavg } from 'node:os'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { useBundledWorker } from '../harness/bundled-worker.ts'
import { measureBacklog } from './measure/backlog.ts'
import { measureBroker } from './measure/broker.ts'
import { measureLatency } from './measure/latency.ts'
import { measureProfile } from './measure/profile.ts'
import { measureQuota } from './measure/quota.ts'
import { measureScale } from './measure/scale.ts'
import { measureStart } from './measure/start.ts'
import { measureWork } from './measure/work.ts'
import { goalLines, writeReport } from './report.ts'
import type { Measure, Section } from './section.ts'

const measures: Record<string, Measure> = {
  latency: measureLatency,
  work: measureWork,
  profile: measureProfile,
  quota: measureQuota,
  scale: measureScale,
  backlog: measureBacklog,
  start: measureStart,
  broker: measureBroker,
}

const help = `Measures the worker beside a floor and a script, and says which goals it meets.

  npm run bench                       all, under 12 minutes; writes test/bench/results.md
  npm run bench -- latency work       some; the file is left as it is
  npm run bench -- --quick            all with few rounds: to see that it works
  npm run bench -- quota --minutes 5  the quota, counted for five minutes

  measurements: ${Object.keys(measures).join(' ')}
  --minutes N   whole minutes that the quota is counted (default 1)
  --write       write test/bench/results.md also where only some were measured
  --help        this text

It needs Linux: processes are measured by /proc. Exit code: 0 all goals are met, 1 some are missed, 2 wrong usage.
`

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    quick: { type: 'boolean', default: false },
    minutes: { type: 'string' },
    write: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
})
const unknown = positionals.filter((name) => !(name in measures))
const quotaMinutes = Number(values.minutes ?? 1)
if (values.help || unknown.length > 0 || !(Number.isInteger(quotaMinutes) && quotaMinutes > 0)) {
  process.stdout.write(help)
  process.exit(values.help ? 0 : 2)
}

const results = fileURLToPath(new URL('./results.md', import.meta.url))
const remarks = readFileSync(new URL('./remarks.md', import.meta.url), 'utf8')
const startedAt = new Date()
const loadBefore = loadavg()[0] ?? 0
const say = (text: string) =>
  process.stdout.write(`${((Date.now() - startedAt.getTime()) / 1000).toFixed(0).padStart(4)} s  ${text}\n`)

await useBundledWorker()
const sections: Section[] = []
for (const [name, measure] of Object.entries(measures)) {
  if (positionals.length > 0 && !positionals.includes(name)) continue
  sections.push(await measure({ quick: values.quick, quotaMinutes, say }))
}

const facts = {
  startedAt,
  seconds: (Date.now() - startedAt.getTime()) / 1000,
  quick: values.quick,
  commit: execFileSync('git', ['rev-parse', '--short', 'HEAD'], { encoding: 'utf8' }).trim(),
  loadBefore,
}
const report = writeReport(sections, facts, remarks)
const whole = positionals.length === 0 && !values.quick
if (whole || values.write) writeFileSync(results, report)
process.stdout.write(`\n${whole ? goalLines(sections) : report}`)
process.stdout.write(whole ? `\nWritten to test/bench/results.md after ${facts.seconds.toFixed(0)} s.\n` : '')
process.exit(sections.some(({ goals }) => goals.some(({ met }) => !met)) ? 1 : 0)
