import type { IncidentRef } from '../../shared/arm-id.ts'
import { Failure } from '../../shared/failure.ts'
import { uuidV5 } from '../../shared/uuid-v5.ts'
import type { AnsweredExchange } from '../conversation/converse.ts'
import type { Playbook, Turn } from '../playbooks/load-playbook.ts'
import type { IncidentContext } from './incident-context.ts'
import { renderComment, renderTaskDescription, renderTitle } from './render.ts'

/** Something a run leaves on the incident, under an id that every delivery, replica and replay computes alike. */
export interface PlannedOutput {
  kind: 'task' | 'comment'
  id: string
}

export type Output =
  | { kind: 'task'; id: string; title: string; description: string }
  | { kind: 'comment'; id: string; message: string }

/** This product's namespace for ids made of names (RFC 9562, section 5.5). */
const outputNamespace = '6f0d1f2c-6a44-5d0e-9a53-0f6a5b0c7e21'

function outputId(
  incident: IncidentRef,
  playbook: Playbook,
  turn: Turn,
  step: number,
  kind: PlannedOutput['kind'],
): string {
  return uuidV5(outputNamespace, `${incident.key}|${playbook.name}|${turn.name}/${step}|${kind}`)
}

/** Everything that a finished run has written, in order: known before any model is asked. */
export function planOutputs(incident: IncidentRef, playbook: Playbook): PlannedOutput[] {
  return playbook.turns.flatMap((turn) => {
    const steps = Array.from({ length: turn.forEachStep ? playbook.steps : 1 }, (_, index) => index + 1)
    const taskSteps = turn.task?.forEach ? Array.from({ length: playbook.steps }, (_, index) => index + 1) : steps
    const plan = (kind: PlannedOutput['kind'], numbers: number[]) =>
      numbers.map((step) => ({ kind, id: outputId(incident, playbook, turn, step, kind) }))
    return [...(turn.task ? plan('task', taskSteps) : []), ...(turn.comment ? plan('comment', steps) : [])]
  })
}

/** Renders the conversation into tasks and comments, in the playbook's order. @throws Failure when an answer lacks a step */
export function outputsOf(
  incident: IncidentRef,
  playbook: Playbook,
  context: IncidentContext,
  conversation: AnsweredExchange[],
): Output[] {
  const outputs: Output[] = []
  const { guard } = context
  const isKnown = (indicator: string) => guard.evidence.has(indicator)
  for (const { exchange, answer } of conversation) {
    const { turn, step } = exchange
    const scope = { incident: context, steps: playbook.steps, step, answer }
    const items = turn.task?.forEach ? itemsOf(answer, turn.task.forEach, playbook.steps) : [undefined]
    items.forEach((item, index) => {
      if (!turn.task) return
      const number = item === undefined ? step : index + 1
      const seen = { ...scope, step: number, item }
      outputs.push({
        kind: 'task',
        id: outputId(incident, playbook, turn, number, 'task'),
        title: renderTitle(guard.reveal(turn.task.title.render(seen)), isKnown),
        description: renderTaskDescription(guard.reveal(turn.task.description.render(seen)), isKnown),
      })
    })
    if (turn.comment) {
      const id = outputId(incident, playbook, turn, step, 'comment')
      outputs.push({ kind: 'comment', id, message: renderComment(guard.reveal(turn.comment.render(scope)), isKnown) })
    }
  }
  return outputs
}

/** The list in a structured answer that tasks are made of: as many items as the playbook has steps. */
function itemsOf(answer: AnsweredExchange['answer'], member: string, steps: number): unknown[] {
  const list = typeof answer === 'string' ? undefined : answer[member]
  if (!Array.isArray(list) || list.length < steps) {
    throw new Failure(`The model's answer has no ${steps} steps; the worker asks again later.`, {
      kind: 'unexpected',
      dependency: 'model',
      code: 'TooFewSteps',
    })
  }
  return list.slice(0, steps)
}
