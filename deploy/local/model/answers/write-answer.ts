import { type ChatRequest, textOf } from '../chat-request.ts'
import { chooseSteps, findStep, rankTopics } from './choose-steps.ts'
import { fillSchema } from './fill-schema.ts'
import { type IncidentFacts, readIncidentFacts } from './incident-facts.ts'
import { askedStepCount, askedStepNumber, asksForSteps, type ListedStep, readListedSteps } from './read-question.ts'
import type { InvestigationStep } from './topic.ts'
import { demoNote, describeStep, writeAssessment, writePlan, writeStep } from './write-steps.ts'

/**
 * Answers a chat by rules: a plan of steps, one step of an earlier plan in detail, a short assessment, or any of these as
 * JSON for a schema. The same request always gets the same answer.
 */
export function writeAnswer(request: ChatRequest): string {
  const of = (...roles: string[]) => request.messages.filter((message) => roles.includes(message.role)).map(textOf)
  const [first = '', ...later] = of('user')
  const [plan] = of('assistant')
  const question = later.at(-1) ?? first
  const facts = readIncidentFacts(first)
  const format = request.responseFormat

  const listed = plan === undefined ? [] : readListedSteps(plan)
  const number = listed.length > 0 && later.length > 0 ? askedStepNumber(question, listed.length) : undefined
  const detailed = number === undefined ? undefined : detailedStep(number, listed, facts)
  const wanted = askedStepCount(question, ...of('system', 'developer'))
  if (format.type !== 'text') {
    const schema = format.type === 'json_schema' ? format.json_schema.schema : stepsSchema
    return answerSchema(schema, detailed ? [detailed] : chooseSteps(facts, wanted), detailed ? 1 : wanted, facts)
  }
  if (detailed) return writeStep(detailed, facts)
  if (later.length === 0 && facts.title === '' && !asksForSteps(first))
    return `The demo model is here and answers.\n\n${demoNote}`
  if (asksForSteps(question) && later.length === 0) return writePlan(chooseSteps(facts, wanted), facts)
  return writeAssessment(rankTopics(facts)[0]?.name, chooseSteps(facts, 2), facts)
}

/** The earlier plan's step, by its title; a plan that others wrote is continued in its own words. */
function detailedStep(number: number, listed: ListedStep[], facts: IncidentFacts): InvestigationStep {
  const asked = listed[number - 1]
  const [fallback] = chooseSteps({ ...facts, title: `${facts.title} ${asked?.title ?? ''} ${asked?.text ?? ''}` }, 1)
  const known = (asked && findStep(asked.title)) ?? fallback
  if (!known) throw new Error('there is always a general step')
  if (!asked || known.title.toLowerCase() === asked.title.toLowerCase()) return known
  return { ...known, title: asked.title, summary: asked.text || known.summary }
}

const stepsSchema = {
  type: 'object',
  properties: {
    steps: {
      type: 'array',
      items: { type: 'object', properties: { title: { type: 'string' }, description: { type: 'string' } } },
    },
  },
}

function answerSchema(
  schema: Record<string, unknown>,
  steps: InvestigationStep[],
  wanted: number,
  facts: IncidentFacts,
): string {
  const material = (step: InvestigationStep) => ({
    title: step.title,
    text: describeStep(step, facts),
    query: /^Query: `(.*)`$/m.exec(describeStep(step, facts))?.[1] ?? '',
    severity: facts.severity,
  })
  // More than were asked for, in case the schema's minItems says so.
  const spare = chooseSteps(facts, 30).filter((step) => !steps.includes(step))
  return JSON.stringify(fillSchema(schema, [...steps, ...spare].map(material), wanted, demoNote))
}
