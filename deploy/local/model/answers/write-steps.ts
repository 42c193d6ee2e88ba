import { fillQuery, fillText, type IncidentFacts } from './incident-facts.ts'
import type { InvestigationStep } from './topic.ts'

/** Ends every answer: nobody shall take the rules' words for a model's. */
export const demoNote = 'Written by the built-in demo model, not by a language model.'

/** A numbered list: each step's title and what it is for. */
export function writePlan(steps: InvestigationStep[], facts: IncidentFacts): string {
  const items = steps.map((step, index) => `${index + 1}. **${step.title}**: ${fillText(step.summary, facts)}`)
  return [...items, '', demoNote].join('\n')
}

/** One step in detail. */
export function writeStep(step: InvestigationStep, facts: IncidentFacts): string {
  const subject = facts.title ? `\n\nIncident: ${shorten(facts.title)}.` : ''
  return `**${step.title}**\n\n${describeStep(step, facts)}${subject}\n\n${demoNote}`
}

/** As writeStep, without title and note. */
export function describeStep(step: InvestigationStep, facts: IncidentFacts): string {
  const look = step.look.map((line) => `- ${fillText(line, facts)}`)
  return [
    fillText(step.summary, facts),
    '',
    'What to look at:',
    ...look,
    '',
    `Query: \`${fillQuery(step.query, facts)}\``,
    '',
    `Escalate if ${fillText(step.escalate, facts)}.`,
  ].join('\n')
}

/** A short assessment, for a turn that asks for no steps. */
export function writeAssessment(kind: string | undefined, steps: InvestigationStep[], facts: IncidentFacts): string {
  const subject = facts.title ? `"${shorten(facts.title)}"` : 'The incident'
  const severity = facts.severity ? ` (severity ${facts.severity})` : ''
  const nature = kind ? `reads like ${kind}` : 'fits no single known pattern'
  const [first, second] = steps
  const advice = first && second ? ` Begin with "${first.title}", then "${second.title}".` : ''
  const limit = first ? ` Escalate if ${fillText(first.escalate, facts)}.` : ''
  return `${subject}${severity} ${nature}. Treat it as unconfirmed until the raw events have been read.${advice}${limit}\n\n${demoNote}`
}

function shorten(title: string): string {
  const characters = [...title.replace(/\s+/g, ' ').trim()]
  return characters.length <= 90 ? characters.join('') : `${characters.slice(0, 89).join('')}…`
}
