import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { unlimitedBudget } from '../../worker/budget/fleet-budget.ts'
import { readConfiguration } from '../../worker/configuration.ts'
import { startHealthServer } from '../../worker/health/health-server.ts'
import { reportHealth } from '../../worker/health/report-health.ts'
import { RunTotals } from '../../worker/health/run-totals.ts'
import { loadPlaybook } from '../../worker/playbooks/load-playbook.ts'
import type { PumpState } from '../../worker/pump/pump.ts'
import { Circuits } from '../../worker/recovery/circuits.ts'

const key = 'sk-never-shown-0123456789'
const configuration = readConfiguration({
  SERVICEBUS_CONNECTION_STRING: `Endpoint=sb://localhost;SharedAccessKeyName=k;SharedAccessKey=${key}`,
  SENTINEL_WORKSPACES: '/subscriptions/s/resourceGroups/g/providers/Microsoft.OperationalInsights/workspaces/w',
  OPENAI_API_KEY: key,
  STATE_STORE: 'memory',
  OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:4318',
})
const playbook = loadPlaybook(configuration.playbookFile)
const counters = {
  enriched: 1,
  skipped: 0,
  deferred: 0,
  released: 0,
  'dead-lettered': 0,
  leasesRenewed: 0,
  leasesLost: 0,
}

/** What the endpoints answer while the pump is so. */
async function answersOf(pump: { state: PumpState; ready: boolean; oldestRunMs?: number }) {
  const view = { inFlight: 0, oldestRunMs: 0, counters, ...pump }
  const parts = {
    pump: view,
    circuits: new Circuits(),
    totals: new RunTotals(),
    fleet: unlimitedBudget,
    configuration,
    playbook,
    startedAt: Date.now(),
  }
  const server = await startHealthServer(0, () => reportHealth(parts))
  const get = async (path: string) => await fetch(`http://127.0.0.1:${server.port}${path}`)
  const [live, ready, status] = await Promise.all(['/healthz/live', '/healthz/ready', '/status'].map(get))
  const text = (await status?.text()) ?? ''
  await server.close()
  return { live: live?.status, ready: ready?.status, text }
}

/** What the pump says in each state is `test/crash/health-states.test.ts`'s to show, with a real worker. */
describe('the health endpoints pass on what the pump says', () => {
  const states: [PumpState, link: boolean, live: number, ready: number][] = [
    ['idle', true, 200, 503],
    ['taking', true, 200, 200],
    ['taking', false, 200, 503],
    ['probing', true, 200, 503],
    ['paused', true, 200, 503],
    ['draining', true, 200, 503],
    ['stopped', true, 503, 503],
  ]
  for (const [state, link, live, ready] of states) {
    it(`${state}${link ? '' : ', the queue does not answer'}: live ${live}, ready ${ready}`, async () => {
      const answers = await answersOf({ state, ready: state === 'taking' && link })
      assert.deepEqual([answers.live, answers.ready], [live, ready])
    })
  }
  it('a run that hangs for a quarter of an hour is a reason to restart', async () => {
    assert.equal((await answersOf({ state: 'taking', ready: true, oldestRunMs: 16 * 60_000 })).live, 503)
  })
  it('/status is a page for an operator, without a secret', async () => {
    const { text } = await answersOf({ state: 'taking', ready: true })
    const page = JSON.parse(text) as Record<string, unknown>
    for (const name of [
      'state',
      'inFlight',
      'concurrency',
      'counters',
      'totals',
      'budgetLeft',
      'circuits',
      'queue',
      'playbook',
      'model',
      'telemetry',
      'uptimeSeconds',
      'memoryMb',
    ]) {
      assert.ok(name in page, name)
    }
    assert.deepEqual(page.telemetry, ['otlp'])
    assert.ok(!text.includes(key))
  })
})
