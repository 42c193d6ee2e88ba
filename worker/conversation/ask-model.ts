import { Failure } from '../../shared/failure.ts'
import type { FleetBudget, FleetReservation } from '../budget/fleet-budget.ts'
import type { IncidentBudget } from '../budget/incident-budget.ts'
import type { CallDependency } from '../recovery/immediate-retry.ts'
import type { StoredAnswer } from '../runs/run-store.ts'
import { ContentRefusal } from './content-refusal.ts'
import type { Exchange } from './converse.ts'
import type { ModelAnswer, ModelClient, ModelRequest } from './model-client.ts'

/** A reasoning model may spend its whole cap on thinking; the cap is raised this many times before the answer is given up. */
const maxCapRaises = 1

/**
 * Asks the model for one answer: inside the incident's budget, with the policy's immediate retries, and with the branches
 * that are answers rather than errors: cut short, filtered, refused. Every call is charged once, also one that failed
 * after the provider may have counted it.
 */
export async function askModel(
  request: ModelRequest,
  exchange: Exchange,
  signal: AbortSignal,
  parts: {
    model: ModelClient
    call: CallDependency
    budget: IncidentBudget
    fleet: FleetBudget
    workspace: string
    /** Keeps what is reserved for calls under way: a crash must not forget that they may have been paid. */
    keepReserved: () => Promise<void>
  },
): Promise<StoredAnswer> {
  const { model, call, budget, fleet, workspace, keepReserved } = parts
  let cap = request.maxCompletionTokens
  for (let raises = 0; ; raises++) {
    const answer = await call({ circuit: 'model', dependency: 'model', signal }, async () => {
      const reservation = budget.reserve(request.messages, cap, request.schema)
      const tokens = reservation.promptTokens + reservation.completionTokens
      let turn: FleetReservation | undefined
      try {
        turn = await fleet.reserve({ model: request.model, workspace, tokens }, signal)
        // After the wait for its turn, not before: a crash while it waits has cost nothing.
        await keepReserved()
      } catch (error) {
        // Not sent: nothing is charged, to nobody.
        turn?.settle(0)
        reservation.cancel()
        throw error
      }
      try {
        const one = await model.complete(
          { ...request, maxCompletionTokens: reservation.completionTokens, workspace },
          signal,
        )
        turn.settle(reservation.settle(one))
        if (one.limitTokens !== undefined) fleet.learned(request.model, one.limitTokens)
        return one
      } catch (error) {
        turn.settle(reservation.fail(error))
        if (error instanceof Failure && error.kind === 'throttled')
          fleet.refused(request.model, error.retryAfterMs ?? 0, error.code === 'slow_down')
        throw error
      }
    })
    const decision = judge(answer, exchange)
    if (decision === 'accept') return stored(answer)
    if (raises >= maxCapRaises) throw decision
    cap *= 2
  }
}

/** `accept`, or the failure to end with when asking again with a larger cap does not help. */
function judge(answer: ModelAnswer, exchange: Exchange): 'accept' | Failure {
  if (answer.finishReason === 'content_filter') {
    throw new ContentRefusal(
      'content_filter',
      "The provider's content filter cut the model's answer, also with reduced evidence: review the incident by hand, or change the filter's settings.",
      answer.attackSigns,
    )
  }
  if (answer.finishReason === 'refusal') {
    throw new Failure('The model refused to answer; the worker asks again later.', {
      kind: 'unexpected',
      dependency: 'model',
      code: 'Refusal',
    })
  }
  const empty = answer.text.trim() === ''
  // Cut JSON is no JSON; cut prose is still of use, and the task's own limit is shorter anyway.
  if (answer.finishReason === 'length' && (empty || exchange.turn.schema)) {
    return new Failure(
      "The model's answer did not fit maxCompletionTokens: raise it in the playbook, or lower reasoningEffort.",
      {
        kind: 'unexpected',
        dependency: 'model',
        code: 'AnswerCut',
      },
    )
  }
  if (empty) {
    throw new Failure('The model answered nothing; the worker asks again later.', {
      kind: 'unexpected',
      dependency: 'model',
      code: 'EmptyAnswer',
    })
  }
  return 'accept'
}

function stored(answer: ModelAnswer): StoredAnswer {
  return {
    text: answer.text,
    promptTokens: answer.promptTokens,
    completionTokens: answer.completionTokens,
    cachedTokens: answer.cachedTokens,
    ...(answer.attackSigns.length > 0 ? { attackSigns: answer.attackSigns } : {}),
  }
}
