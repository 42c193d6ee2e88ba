import { dataTopics } from './data-topics.ts'
import { endpointTopics } from './endpoint-topics.ts'
import { generalSteps } from './general-steps.ts'
import { identityTopics } from './identity-topics.ts'
import type { IncidentFacts } from './incident-facts.ts'
import { networkTopics } from './network-topics.ts'
import type { InvestigationStep, Topic } from './topic.ts'

export const topics: Topic[] = [...identityTopics, ...endpointTopics, ...networkTopics, ...dataTopics]

const stepsByTitle = new Map(
  [...topics.flatMap((topic) => topic.steps), ...generalSteps].map((step) => [step.title.toLowerCase(), step]),
)

/** A word in the title says more than one in the description; a tactic alone is the weakest sign. */
const titleWeight = 4
const evidenceWeight = 1
const tacticWeight = 2
/** A description that repeats one word must not outweigh what the title says. */
const mostEvidence = 5

/** The topics that the incident fits, best first. */
export function rankTopics(facts: IncidentFacts): Topic[] {
  const score = (topic: Topic) =>
    titleWeight * count(facts.title, topic.signs) +
    evidenceWeight * Math.min(mostEvidence, count(facts.evidence, topic.signs)) +
    tacticWeight * topic.tactics.filter((tactic) => facts.tactics.includes(tactic)).length
  return topics
    .map((topic) => ({ topic, score: score(topic) }))
    .filter((one) => one.score > 0)
    .sort((a, b) => b.score - a.score)
    .map((one) => one.topic)
}

/** `wanted` steps for the incident: of the topic that fits best, then of the next ones, then general ones. */
export function chooseSteps(facts: IncidentFacts, wanted: number): InvestigationStep[] {
  const ranked = rankTopics(facts).flatMap((topic) => topic.steps)
  const pool = [
    ...ranked.slice(0, 3),
    ...generalSteps.slice(0, 2),
    ...ranked.slice(3),
    ...generalSteps.slice(2),
    ...topics.flatMap((topic) => topic.steps),
  ]
  return [...new Set(pool)].slice(0, wanted)
}

/** The step that an earlier answer called so. */
export function findStep(title: string): InvestigationStep | undefined {
  return stepsByTitle.get(title.trim().toLowerCase())
}

const count = (text: string, signs: RegExp): number => text.match(signs)?.length ?? 0
