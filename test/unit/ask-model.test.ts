import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { systemClock } from '../../shared/clock.ts'
import { Failure } from '../../shared/failure.ts'
import type { FleetBudget } from '../../worker/budget/fleet-budget.ts'
import { unlimitedBudget } from '../../worker/budget/fleet-budget.ts'
import { IncidentBudget } from '../../worker/budget/incident-budget.ts'
import { askModel } from '../../worker/conversation/ask-model.ts'
import { planExchanges } from '../../worker/conversation/converse.ts'
import { loadPlaybook } from '../../worker/playbooks/load-playbook.ts'
import { Circuits } from '../../worker/recovery/circuits.ts'
import { createCallDependency } from '../../worker/recovery/immediate-retry.ts'

const [exchange] = planExchanges(loadPlaybook('worker/playbooks/recommended-steps.yaml'))
const request = {
  model: 'm',
  messages: [{ role: 'user' as const, content: 'A question of some words.' }],
  maxCompletionTokens: 100,
  temperature: undefined,
  reasoningEffort: undefined,
  schema: undefined,
}

/** Asks once, and tells what was done on the way. */
async function ask(fleet: Partial<FleetBudget>, keepReserved: () => Promise<void> = async () => undefined) {
  assert.ok(exchange)
  const circuits = new Circuits()
  const budget = new IncidentBudget(10_000, { spentTokens: 0, calls: 0 }, 'gpt-4.1-mini')
  const steps: string[] = []
  const outcome = await askModel(request, exchange, new AbortController().signal, {
    model: {
      complete: async () => {
        steps.push('asked')
        return {
          text: 't',
          finishReason: 'stop',
          promptTokens: 9,
          completionTokens: 3,
          cachedTokens: 0,
          attackSigns: [],
        }
      },
    },
    call: createCallDependency({
      circuits,
      clock: systemClock,
      settings: { maxAttempts: 8, baseMs: 1_000, maxMs: 1_000 },
    }),
    budget,
    fleet: {
      ...unlimitedBudget,
      reserve: async () => {
        steps.push('turn')
        return { settle: (tokens) => void steps.push(`settled ${tokens}`) }
      },
      ...fleet,
    },
    workspace: 'w',
    keepReserved: async () => {
      steps.push('kept')
      await keepReserved()
    },
  }).catch((error: unknown) => error)
  const model = circuits.report().find(({ circuit }) => circuit === 'model')
  circuits.close()
  return { outcome, steps, budget, model }
}
const away = new Failure('The table store is away.', { kind: 'outage', dependency: 'state', code: 'ECONNRESET' })

describe('asking the model', () => {
  it('takes its turn, then keeps what is reserved, then asks, then settles what was charged', async () => {
    const { steps } = await ask({})
    assert.deepEqual(steps, ['turn', 'kept', 'asked', 'settled 12'])
  })

  it('is not done where the ledger is away: nothing is charged, and the model is not blamed', async () => {
    const { outcome, steps, budget, model } = await ask({ reserve: () => Promise.reject(away) })
    assert.equal(outcome, away)
    assert.deepEqual(steps, [])
    assert.deepEqual([budget.spentTokens, budget.committedTokens, budget.calls], [0, 0, 0])
    assert.equal(model?.failures, 0)
  })

  it('is not done where the run record is away: the turn is given back', async () => {
    const { outcome, steps, budget } = await ask({}, () => Promise.reject(away))
    assert.equal(outcome, away)
    assert.deepEqual(steps, ['turn', 'kept', 'settled 0'])
    assert.deepEqual([budget.spentTokens, budget.committedTokens, budget.calls], [0, 0, 0])
  })
})
