import { budgetExceeded, type IncidentBudget } from '../budget/incident-budget.ts'
import { createPause } from '../budget/pause.ts'
import type { Playbook } from '../playbooks/load-playbook.ts'
import type { StoredAnswer } from '../runs/run-store.ts'
import { cutToFit } from '../sentinel/cut-context.ts'
import type { IncidentContext } from '../sentinel/incident-context.ts'
import { capOf, planExchanges, transcriptOf } from './converse.ts'

/** What a conversation is planned with. */
interface Plan {
  playbook: Playbook
  /** Exchanges that have one are not asked again. */
  answers: ReadonlyMap<string, StoredAnswer>
  budget: IncidentBudget
}

/** What of the incident is shown, and how much of its cap each completion gets. */
export interface FittedEvidence {
  shown: IncidentContext
  capShare: number
}

/** How roomy a plan is: with a second try of the dearest call or without, with whole caps or less. */
interface Room {
  secondTry: boolean
  capShare: number
}
export const leastRoom: Room = { secondTry: false, capShare: 0.5 }
const rooms: readonly Room[] = [
  { secondTry: true, capShare: 1 },
  { secondTry: false, capShare: 1 },
  { secondTry: false, capShare: 0.75 },
  leastRoom,
]
/** Less of a description than so many characters is no description: the room gets smaller first. */
const leastDescription = 500

/**
 * The incident as much of it as the budget allows, planned before the first call for every exchange that has no answer yet. A
 * second try of the dearest call, and then the caps, give way before the most important part is cut to nothing.
 *
 * @param now what is shown already: it stays while it fits, since a changed prefix would be no cached prefix
 * @throws Failure TokenBudgetExceeded when the conversation does not fit with everything cut that may be
 */
export async function fitEvidence(
  incident: IncidentContext,
  plan: Plan,
  now?: FittedEvidence,
): Promise<FittedEvidence> {
  const { playbook, budget } = plan
  if (now) {
    const tokens = await plannedTokens(now.shown, plan, { secondTry: false, capShare: now.capShare })
    if (tokens <= budget.left) return now
  }
  const [main] = playbook.priority
  const least = main ? Math.min(incident[main].length, main === 'description' ? leastDescription : 1) : 0
  let fitted: FittedEvidence | undefined
  for (const room of rooms) {
    const priority = room.secondTry ? playbook.priority.slice(1) : playbook.priority
    const shown = await cutToFit(
      incident,
      priority,
      async (candidate) => (await plannedTokens(candidate, plan, room)) <= budget.left,
    )
    if (!shown) continue
    fitted = { shown, capShare: room.capShare }
    if (!main || shown[main].length >= least) return fitted
  }
  if (!fitted) throw budgetExceeded(budget.ceiling)
  return fitted
}

/** Most tokens that the exchanges without an answer can cost together: each answer as long as its cap, and handed back as such. */
export async function plannedTokens(
  incident: IncidentContext,
  { playbook, answers, budget }: Plan,
  { secondTry, capShare }: Room,
): Promise<number> {
  let together = 0
  let dearest = 0
  const pause = createPause()
  for (const exchange of planExchanges(playbook)) {
    if (answers.has(exchange.key)) continue
    await pause()
    const { turn } = exchange
    const messages = transcriptOf(exchange, playbook, incident, answers)
    const prompt = await budget.countInPieces(messages, turn.schema?.json)
    let earlier = 0
    for (let one = exchange.continues; one; one = one.continues) {
      if (!answers.has(one.key)) earlier += 4 + capOf(one.turn, capShare)
    }
    const tokens = Math.ceil((prompt + earlier) * budget.factor) + capOf(turn, capShare)
    together += tokens
    dearest = Math.max(dearest, tokens)
  }
  return together + (secondTry ? dearest : 0)
}
