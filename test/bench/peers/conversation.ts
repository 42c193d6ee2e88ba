import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { parse } from 'yaml'

/** A chat message, as the model's API takes it. */
export interface Message {
  role: 'system' | 'user' | 'assistant'
  content: string
}

/** What a peer reads of an incident. */
export interface PeerIncident {
  etag: string
  properties: Record<string, unknown> & { title: string; labels?: { labelName: string }[] }
}

const file = fileURLToPath(new URL('../../../worker/playbooks/recommended-steps.yaml', import.meta.url))
const playbook = parse(readFileSync(file, 'utf8')) as {
  model: string
  tag: string
  steps: number
  system: string
  turns: { prompt: string; maxCompletionTokens: number }[]
}
const [plan, step] = playbook.turns
if (!plan || !step) throw new Error('the shipped playbook has two turns')

/** The shipped playbook's words, so that a peer asks for what the worker asks for. */
export const { model, tag, steps } = playbook
export const planTokens = plan.maxCompletionTokens
export const stepTokens = step.maxCompletionTokens

/** System message and the question for the steps, with the incident as JSON. */
export function planMessages({ properties }: PeerIncident): Message[] {
  const { title, severity, description } = properties
  const evidence = JSON.stringify({ title, severity, description }, null, 2)
  return [
    { role: 'system', content: playbook.system },
    { role: 'user', content: fill(plan?.prompt ?? '', 0).replace('{{ evidence }}', evidence) },
  ]
}

/** The question for one step, counting from 1. */
export function stepQuestion(number: number): Message {
  return { role: 'user', content: fill(step?.prompt ?? '', number) }
}

/** The body of a task, and the incident's body with the tag beside what was there. */
export function taskBody(number: number, description: string) {
  return { properties: { title: `Step ${number}`, description: description.slice(0, 3_000), status: 'New' } }
}

export function taggedBody({ etag, properties }: PeerIncident) {
  const { title, description, severity, status, owner, labels = [] } = properties
  return { etag, properties: { title, description, severity, status, owner, labels: [...labels, { labelName: tag }] } }
}

function fill(text: string, number: number): string {
  return text.replaceAll('{{ steps }}', String(steps)).replaceAll('{{ step }}', String(number))
}
