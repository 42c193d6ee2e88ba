import { growthPer10000, soak } from '../harness/soak.ts'

/** `npm run soak [-- <incidents>]`: 20,000 incidents through one worker with zero latency; does what it holds grow? */
const total = Number(process.argv[2] ?? 20_000)
const rounds = 11
const mb = (bytes: number) => (bytes / 2 ** 20).toFixed(1)

process.stdout.write('incidents  resident MB  heap MB  external MB  handles  listeners\n')
const { holdings, seconds, tableRows } = await soak({
  rounds,
  incidentsPerRound: Math.ceil(total / (rounds - 1)),
  onRound: ({ incidents, rss, heapUsed, external, resources, listeners }) => {
    const handles = Object.values(resources).reduce((sum, count) => sum + count, 0)
    const cells = [incidents, mb(rss), mb(heapUsed), mb(external), handles, listeners]
    process.stdout.write(
      `${cells.map((cell, index) => String(cell).padStart([9, 11, 7, 11, 7, 9][index] ?? 0)).join('  ')}\n`,
    )
  },
})
const resident = growthPer10000(holdings, 'rss', 1)
const heap = growthPer10000(holdings, 'heapUsed', 1)
process.stdout.write(
  `\n${Math.round((holdings.at(-1)?.incidents ?? 0) / seconds)} incidents per second; per 10,000 incidents the resident memory grew by ${mb(resident)} MB and the heap by ${mb(heap)} MB; ${tableRows} table rows.\n`,
)
if (resident > 5 * 2 ** 20) {
  process.stdout.write('That is more than the 5 MB that are promised.\n')
  process.exitCode = 1
}
