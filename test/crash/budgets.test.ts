import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import type { StackOptions } from '../../deploy/local/start-stack.ts'
import { buryWorker } from '../harness/dead-worker.ts'
import { Fleet } from '../harness/fleet.ts'
import { addIncidents, type TestIncident } from '../harness/incidents.ts'
import { startRandomKiller } from '../harness/random-killer.ts'
import { seededRandom } from '../harness/seeded-random.ts'
import { assertEnrichedOnce, queueEmpty } from '../harness/verdict.ts'

async function open(test: TestContext, options: StackOptions): Promise<Fleet> {
  const fleet = await Fleet.open({ queue: { lockDurationMs: 5_000, maxDeliveryCount: 1_000 }, ...options })
  test.after(() => fleet.close())
  return fleet
}

/** What the provider itself counted for an incident, answers that never arrived included. */
function billed(fleet: Fleet, incident: TestIncident): number {
  return fleet.stack.model.journal
    .filter((one) => JSON.stringify(one.messages).includes(incident.marker))
    .reduce((sum, { usage }) => sum + (usage ? usage.prompt_tokens + usage.completion_tokens : 0), 0)
}

describe("budgets, by the provider's own count", { timeout: 180_000 }, () => {
  it('three workers, one killed again and again: no minute above the limit, no refusal, no incident above its ceiling', async (test) => {
    const tokensPerMinute = 400_000
    const tokensPerIncident = 20_000
    const fleet = await open(test, {
      model: { tokensPerMinute, limiter: 'fixed-minute', latencyMs: (request) => 50 + (request % 200) },
    })
    const { stack } = fleet
    const stopKilling = startRandomKiller(fleet, {
      count: 3,
      pauseMs: 4_000,
      random: seededRandom(7),
      environment: {
        CONCURRENCY: '8',
        TOKENS_PER_MINUTE: String(tokensPerMinute),
        TOKENS_PER_INCIDENT: String(tokensPerIncident),
      },
    })
    const incidents = await fleet.sendNew(30)
    await queueEmpty(stack)
    const kills = await stopKilling()
    const { totals } = stack.model
    test.diagnostic(
      `${kills} kills, ${totals.requests} calls, ${totals.refused} refused, peak ${totals.peakAdmittedTokensInWindow} tokens a minute`,
    )
    assert.ok(totals.peakAdmittedTokensInWindow <= tokensPerMinute)
    assert.equal(totals.refused, 0)
    assert.equal(stack.broker.inspect('incidents').deadLettered.length, 0)
    assertEnrichedOnce(stack, incidents)
    for (const incident of incidents) assert.ok(billed(fleet, incident) <= tokensPerIncident, incident.marker)
  })

  it('a spent day: never a token more, nothing is dead-lettered, the workers take nothing, a higher ceiling goes on', async (test) => {
    const fleet = await open(test, { model: { latencyMs: 100 } })
    const { stack } = fleet
    const tokensPerDay = 40_000
    const environment = { CONCURRENCY: '4', TOKENS_PER_DAY: String(tokensPerDay) }
    const workers = [1, 2, 3].map(() => fleet.start({ ...environment, LOG_LEVEL: 'debug' }))
    const incidents = await fleet.sendNew(60)
    // Each has seen the day's end, and takes nothing more.
    await Promise.all(workers.map((worker) => worker.line((line) => line.to === 'paused')))
    await Promise.all(workers.map((worker) => worker.stop()))
    const { totals } = stack.model
    const used = totals.promptTokens + totals.completionTokens
    test.diagnostic(`${used} of ${tokensPerDay} tokens used`)
    assert.ok(used <= tokensPerDay && used >= tokensPerDay / 2, `${used} tokens`)
    assert.ok(workers.some((worker) => worker.lines.some((line) => line.event === 'budget.exhausted')))
    const { active, scheduled, deadLettered } = stack.broker.inspect('incidents')
    assert.equal(deadLettered.length, 0)
    const done = incidents.filter(({ guid }) => stack.sentinel.store.tasks(guid).length === 3).length
    assert.equal(active.length + scheduled.length + done, incidents.length)
    assert.ok(active.length > scheduled.length, 'most were not even taken')
    assert.ok([...active, ...scheduled].every((one) => (one.applicationProperties['enricher-attempt'] ?? 0) === 0))

    const more = fleet.start({ TOKENS_PER_DAY: '10000000' })
    await more.settled(active.length)
    assert.equal(stack.broker.inspect('incidents').active.length, 0)
  })

  it("a worker killed at every answer: what was paid and lost counts, so the ceiling ends it, by the provider's count", async (test) => {
    const fleet = await open(test, {})
    const { stack } = fleet
    const tokensPerIncident = 8_000
    const incidents = addIncidents(stack, 1)
    const [incident] = incidents
    assert.ok(incident)
    let worker = fleet.start({ TOKENS_PER_INCIDENT: String(tokensPerIncident) })
    // The provider has worked and charged; the worker never hears of it.
    stack.model.events.on('answered', () => worker.child.kill('SIGKILL'))
    await fleet.send([incident.armId])
    const dead = new Promise<string>((resolve) =>
      stack.broker.events.once('dead-lettered', ({ reason }) => resolve(reason)),
    )
    let kills = 0
    while (kills < 20) {
      const killed = worker.exited.then(() => 'killed')
      if ((await Promise.race([dead, killed])) !== 'killed') break
      kills++
      await buryWorker(stack, worker)
      worker = fleet.start({ TOKENS_PER_INCIDENT: String(tokensPerIncident) })
    }
    assert.equal(await dead, 'TokenBudgetExceeded')
    const used = billed(fleet, incident)
    test.diagnostic(`${kills} kills, ${used} of ${tokensPerIncident} tokens billed`)
    assert.ok(kills > 1 && used <= tokensPerIncident, `${kills} kills, ${used} tokens`)
  })

  it("a workspace's spent day holds up no other workspace", async (test) => {
    const fleet = await open(test, {})
    const { stack } = fleet
    const perWorkspace = 12_000
    const worker = fleet.start({ TOKENS_PER_DAY_PER_WORKSPACE: String(perWorkspace) })
    const incidents = await fleet.sendNew(40)
    await worker.line((line) => line.event === 'budget.exhausted' && line.code === 'TokensPerDayPerWorkspace')
    await new Promise<void>((resolve) => {
      const look = () => stack.broker.inspect('incidents').active.length === 0 && resolve()
      stack.broker.events.on('settled', look)
      look()
    })
    for (const parity of [0, 1]) {
      const mine = incidents.filter((_, index) => index % 2 === parity)
      const used = mine.reduce((sum, incident) => sum + billed(fleet, incident), 0)
      assert.ok(used > 0 && used <= perWorkspace, `${used} tokens in one workspace`)
    }
    assert.equal(stack.broker.inspect('incidents').deadLettered.length, 0)
  })

  it('the ledger away: nothing is spent on a guess, and work goes on when it is back', async (test) => {
    const fleet = await open(test, {})
    const { stack } = fleet
    const worker = fleet.start({ TOKENS_PER_MINUTE: '1000000', RETRY_BASE_SECONDS: '0.5' })
    await fleet.sendNew(2)
    await worker.settled(2)
    stack.tables.faults.outage(true)
    const asked = stack.model.totals.requests
    const incidents = await fleet.sendNew(4)
    await worker.line((line) => line.event === 'circuit.opened')
    assert.equal(stack.model.totals.requests, asked)
    stack.tables.faults.outage(false)
    await queueEmpty(stack)
    assertEnrichedOnce(stack, incidents)
    assert.ok(!worker.lines.some((line) => line.event === 'circuit.opened' && line.circuit === 'model'))
  })
})
