import assert from 'node:assert/strict'
import { EventEmitter, once } from 'node:events'
import { after, before, describe, it } from 'node:test'
import { TableClient } from '@azure/data-tables'
import { startTables, type TablesServer } from '../../../deploy/local/tables/tables.ts'
import { parseIncidentArmId } from '../../../shared/arm-id.ts'
import { type Clock, systemClock } from '../../../shared/clock.ts'
import { Failure } from '../../../shared/failure.ts'
import { Circuits } from '../../../worker/recovery/circuits.ts'
import { createCallDependency } from '../../../worker/recovery/immediate-retry.ts'
import { createMemoryRunStore } from '../../../worker/runs/memory-run-store.ts'
import { claimLeaseMs, type Run, type RunClaim, type RunStore } from '../../../worker/runs/run-store.ts'
import { createTableRunStore, runsTable } from '../../../worker/runs/table-run-store.ts'

const signal = new AbortController().signal
const settings = { maxAttempts: 8, baseMs: 1_000, maxMs: 10_000 }
let number = 0

/** A clock that a test moves; sleeping is real, so that retries take their time. */
class MovableClock implements Clock {
  offsetMs = 0
  now = () => Date.now() + this.offsetMs
  sleep = systemClock.sleep
}

function nextClaim(more: Partial<RunClaim> = {}): RunClaim {
  const guid = `00000000-0000-4000-8000-${String(++number).padStart(12, '0')}`
  const incident = parseIncidentArmId(
    `/subscriptions/s1/resourceGroups/rg/providers/Microsoft.OperationalInsights/workspaces/w/providers/Microsoft.SecurityInsights/Incidents/${guid}`,
  )
  assert.ok(incident)
  return { incident, playbook: 'recommended-steps', playbookVersion: 1, messageSequence: '1', owner: 'a', ...more }
}

async function claimed(store: RunStore, claim: RunClaim): Promise<Run> {
  const result = await store.claim(claim, signal)
  assert.ok('claimed' in result, 'the run is busy')
  return result.claimed
}

const answer = (text: string) => ({ text, promptTokens: 10, completionTokens: 5, cachedTokens: 0 })
const lost = (error: unknown) => error instanceof Failure && error.kind === 'interrupted' && error.code === 'ClaimLost'

for (const kind of ['memory', 'table'] as const) {
  describe(`the run store: ${kind}`, () => {
    let tables: TablesServer | undefined
    let store: RunStore
    const clock = new MovableClock()

    before(async () => {
      if (kind === 'memory') {
        store = createMemoryRunStore(clock)
        return
      }
      tables = await startTables()
      const table = TableClient.fromConnectionString(tables.connectionString, runsTable, {
        allowInsecureConnection: true,
        retryOptions: { maxRetries: 0 },
      })
      const call = createCallDependency({ circuits: new Circuits(), clock, settings })
      store = createTableRunStore({ table, call, clock })
    })
    after(async () => {
      await store.close()
      await tables?.close()
    })

    it('gives a run to one owner; another message waits until the lease ends', async () => {
      const claim = nextClaim()
      await claimed(store, claim)
      const second = await store.claim({ ...claim, messageSequence: '2', owner: 'b' }, signal)
      assert.ok('busyUntil' in second && second.busyUntil > clock.now())
      clock.offsetMs += claimLeaseMs + 1
      await claimed(store, { ...claim, messageSequence: '2', owner: 'b' })
    })

    it('lets who holds the same message take over at once, and stops the owner before at its next write', async () => {
      const claim = nextClaim()
      const first = await claimed(store, claim)
      await store.checkpoint(
        first,
        { answers: new Map([['plan/1', answer('paid')]]), spentTokens: 15, calls: 1 },
        signal,
      )
      const second = await claimed(store, { ...claim, owner: 'b' })
      assert.equal(second.answers.get('plan/1')?.text, 'paid')
      assert.deepEqual([second.spentTokens, second.calls], [15, 1])
      await assert.rejects(store.checkpoint(first, { answers: new Map(), spentTokens: 0, calls: 0 }, signal), lost)
      await assert.rejects(store.extend(first, signal), lost)
    })

    it('keeps answers of any size and script through a release', async () => {
      const claim = nextClaim()
      const run = await claimed(store, claim)
      const long = '€👩‍🚀"\\\n'.repeat(12_000)
      const answers = new Map([
        ['plan/1', answer(long)],
        ['step-two/10', answer('x')],
      ])
      await store.release(run, { answers, spentTokens: 30, calls: 2 })
      const again = await claimed(store, { ...claim, messageSequence: '9' })
      assert.ok(again.answers.get('plan/1')?.text === long)
      assert.equal(again.answers.get('step-two/10')?.text, 'x')
    })

    it('an answer that arrives while others are being written is kept by the next checkpoint', async () => {
      const claim = nextClaim()
      const run = await claimed(store, claim)
      const progress = { answers: new Map([['plan/1', answer('first')]]), spentTokens: 15, calls: 1 }
      const writing = store.checkpoint(run, progress, signal)
      progress.answers.set('step/1', answer('second'))
      await writing
      await store.checkpoint(run, progress, signal)
      const again = await claimed(store, claim)
      assert.deepEqual([...again.answers.values()].map(({ text }) => text).sort(), ['first', 'second'])
    })

    it('checkpoints made side by side are all kept', async () => {
      const claim = nextClaim()
      const run = await claimed(store, claim)
      const progress = { answers: new Map<string, ReturnType<typeof answer>>(), spentTokens: 0, calls: 0 }
      await Promise.all(
        [1, 2, 3].map((step) => {
          progress.answers.set(`step/${step}`, answer(String(step)))
          return store.checkpoint(run, progress, signal)
        }),
      )
      assert.equal((await claimed(store, claim)).answers.size, 3)
    })

    it('an answer that comes while a checkpoint is under way is in the next one', async () => {
      const claim = nextClaim()
      const run = await claimed(store, claim)
      const answers = new Map([['step/1', answer('1')]])
      const progress = { answers, spentTokens: 0, calls: 0 }
      const first = store.checkpoint(run, progress, signal)
      answers.set('step/2', answer('2'))
      await first
      await store.checkpoint(run, progress, signal)
      assert.equal((await claimed(store, claim)).answers.size, 2)
    })

    it('forgets the answers of a finished run, and of another version of the playbook', async () => {
      const claim = nextClaim()
      const run = await claimed(store, claim)
      const progress = { answers: new Map([['plan/1', answer('x')]]), spentTokens: 15, calls: 1 }
      await store.checkpoint(run, progress, signal)
      await store.finish(run, progress, signal)
      assert.equal((await claimed(store, { ...claim, messageSequence: '2' })).answers.size, 0)
      const other = nextClaim()
      await store.checkpoint(await claimed(store, other), progress, signal)
      assert.equal((await claimed(store, { ...other, playbookVersion: 2 })).answers.size, 0)
    })

    it('says until when somebody holds a run, and nobody after its end', async () => {
      const claim = nextClaim()
      const held = () => store.heldUntil(claim.incident, claim.playbook, signal)
      assert.equal(await held(), undefined)
      const run = await claimed(store, claim)
      assert.ok(((await held()) ?? 0) > clock.now())
      await store.finish(run, { answers: new Map(), spentTokens: 0, calls: 0 }, signal)
      assert.equal(await held(), undefined)
      const other = nextClaim()
      await claimed(store, other)
      clock.offsetMs += claimLeaseMs + 1
      assert.equal(await store.heldUntil(other.incident, other.playbook, signal), undefined)
    })

    it('tells what finished runs of a playbook took on average, without those that asked nothing', async () => {
      const playbook = "mean-o'brien"
      assert.equal((await store.pastRuns(playbook, signal)).runs, 0)
      for (const spent of [100, 300, 0]) {
        const run = await claimed(store, nextClaim({ playbook }))
        const answers = new Map(
          spent > 0 ? [['plan/1', { ...answer('x'), promptTokens: spent - 20, completionTokens: 20 }]] : [],
        )
        await store.finish(run, { answers, spentTokens: spent, calls: 1 }, signal)
      }
      await claimed(store, nextClaim({ playbook }))
      assert.deepEqual(await store.pastRuns(playbook, signal), {
        runs: 2,
        meanTokens: 200,
        meanPromptTokens: 180,
        meanCompletionTokens: 20,
      })
    })

    it('of fifty claims at once exactly one gets the run', async () => {
      const claim = nextClaim()
      const results = await Promise.all(
        Array.from({ length: 50 }, (_, index) => store.claim({ ...claim, messageSequence: String(index) }, signal)),
      )
      assert.equal(results.filter((one) => 'claimed' in one).length, 1)
    })
  })
}

describe('a run record whose answers get lost', { timeout: 30_000 }, () => {
  let tables: TablesServer
  let store: RunStore
  /** The next write is carried out and not answered; from then on the store is away. */
  let losing = false
  let away = false
  const read = new EventEmitter()

  before(async () => {
    tables = await startTables()
    const table = TableClient.fromConnectionString(tables.connectionString, runsTable, {
      allowInsecureConnection: true,
      retryOptions: { maxRetries: 0 },
    })
    await table.createTable()
    table.pipeline.addPolicy({
      name: 'loses-answers',
      sendRequest: async (request, next) => {
        const gone = () => Object.assign(new Error('read ECONNRESET'), { name: 'RestError', code: 'ECONNRESET' })
        if (away) throw gone()
        const answer = await next(request)
        if (request.method === 'GET') read.emit('answered')
        if (!losing || request.method === 'GET') return answer
        losing = false
        away = true
        throw gone()
      },
    })
    const call = createCallDependency({ circuits: new Circuits(), clock: systemClock, settings })
    store = createTableRunStore({ table, call, clock: systemClock })
  })
  after(async () => {
    await store.close()
    await tables.close()
  })

  /** Resolves when a claim is given back. */
  const givenBack = () =>
    new Promise<void>((resolve) => {
      const look = ({ sent, status }: { sent: string; status: number }) => {
        if (status >= 300 || !sent.includes('"state":"released"')) return
        tables.events.off('written', look)
        resolve()
      }
      tables.events.on('written', look)
    })

  it('a claim that was made without an answer is given back when the store is there again', async () => {
    const claim = nextClaim()
    losing = true
    await assert.rejects(store.claim(claim, signal), { kind: 'outage' })
    const back = givenBack()
    away = false
    await back
    await claimed(store, { ...claim, messageSequence: '2' })
  })

  it('so is the claim of a run whose checkpoint was written without an answer', async () => {
    const claim = nextClaim()
    const run = await claimed(store, claim)
    const progress = { answers: new Map([['step/1', answer('1')]]), spentTokens: 15, calls: 1 }
    losing = true
    await assert.rejects(store.checkpoint(run, progress, signal), { kind: 'outage' })
    const back = givenBack()
    away = false
    await store.release(run, progress)
    await back
    const again = await claimed(store, { ...claim, messageSequence: '2' })
    assert.equal(again.answers.size, 1)
    assert.equal(again.spentTokens, 15)
  })

  it('a claim that somebody else has by then stays theirs', async () => {
    const claim = nextClaim()
    losing = true
    await assert.rejects(store.claim(claim, signal), { kind: 'outage' })
    away = false
    const theirs = await claimed(store, { ...claim, owner: 'b' })
    // It looks before it would write.
    await once(read, 'answered')
    // A write would be on its way before this is asked, and carried out before it is asked again.
    const held = () => store.heldUntil(claim.incident, claim.playbook, signal)
    await held()
    assert.ok(await held(), 'it was given away')
    await store.extend(theirs, signal)
  })
})
