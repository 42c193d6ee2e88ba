import { budgetExceeded, type IncidentBudget } from '../budget/incident-budget.ts'
import type { Playbook } from '../playbooks/load-playbook.ts'
import type { StoredAnswer } from '../runs/run-store.ts'
import { cutToFit } from '../sentinel/cut-context.ts'
import type { IncidentContext } from '../sentinel/incident-context.ts'
import { planExchanges, transcriptOf } from './converse.ts'

interface Plan {
  playbook: Playbook
  answers: ReadonlyMap<string, StoredAnswer>
  budget: IncidentBudget
}

/**
 * The incident as much of it as the budget allows: planned before the first call for every exchange that has no answer yet,
 * each with its whole cap and with an answer as long as allowed for the one it continues, and for one more try of the dearest.
 * What is most important is cut only when there is room for no second try either.
 *
 * @throws Failure TokenBudgetExceeded when the conversation does not fit with everything cut that may be
 */
export async function fitEvidence(incident: IncidentContext, plan: Plan): Promise<IncidentContext> {
  const { playbook, budget } = plan
  const fits = (tries: 'one' | 'second') => async (candidate: IncidentContext) =>
    (await plannedTokens(candidate, plan, tries)) <= budget.left
  const fitted =
    (await cutToFit(incident, playbook.priority.slice(1), fits('second'))) ??
    (await cutToFit(incident, playbook.priority, fits('one')))
  if (!fitted) throw budgetExceeded(budget.ceiling)
  return fitted
}

/** Most tokens that the exchanges without an answer can cost together. */
async function plannedTokens(
  incident: IncidentContext,
  { playbook, answers, budget }: Plan,
  tries: 'one' | 'second',
): Promise<number> {
  let together = 0
  let dearest = 0
  for (const exchange of planExchanges(playbook)) {
    if (answers.has(exchange.key)) continue
    const { turn, continues } = exchange
    const messages = transcriptOf(exchange, playbook, incident, answers)
    const prompt = await budget.countInPieces(messages, turn.schema?.json)
    let earlier = 0
    for (let one = continues; one; one = one.continues) {
      if (!answers.has(one.key)) earlier += 4 + one.turn.maxCompletionTokens
    }
    const tokens = Math.ceil((prompt + earlier) * budget.factor) + turn.maxCompletionTokens
    together += tokens
    dearest = Math.max(dearest, tokens)
  }
  return together + (tries === 'second' ? dearest : 0)
}
