import type { IncidentContext } from './incident-context.ts'

/** Parts of an incident that may be shortened, as playbooks name them; the rest is short by its own bounds. */
export const cuttableParts = ['description', 'alerts', 'entities', 'tactics', 'techniques'] as const
export type CuttablePart = (typeof cuttableParts)[number]

/** What of a part is not shown; `of` is in characters for the description, else a number of items. */
export interface LeftOut {
  part: CuttablePart
  left: number
  of: number
}

/** The description is cut to the next so many characters: each try costs a rendered prompt. */
const descriptionStep = 64

/**
 * The most of an incident that `fits`: the part that comes last in `priority` is cut first, from its end, and only when
 * nothing is left of it the part before it. Prompts show a mark where something was left out.
 *
 * @returns undefined where it does not fit with all of these parts left out
 */
export async function cutToFit(
  context: IncidentContext,
  priority: readonly CuttablePart[],
  fits: (candidate: IncidentContext) => Promise<boolean>,
): Promise<IncidentContext | undefined> {
  if (await fits(context)) return context
  const fitsCut = async (candidate: IncidentContext) => {
    // Each try renders and counts a conversation: others get their turn in between.
    await new Promise((resolve) => setImmediate(resolve))
    return await fits(candidate)
  }
  let cut = context
  for (const part of priority.toReversed()) {
    let tooMuch = cut[part].length
    if (tooMuch === 0) continue
    if (!(await fitsCut(cutPart(cut, part, 0)))) {
      cut = cutPart(cut, part, 0)
      continue
    }
    let most = 0
    const step = part === 'description' ? descriptionStep : 1
    while (tooMuch - most > step) {
      const middle = Math.floor((most + tooMuch) / 2)
      if (await fitsCut(cutPart(cut, part, middle))) most = middle
      else tooMuch = middle
    }
    return cutPart(cut, part, most)
  }
  return undefined
}

function cutPart(context: IncidentContext, part: CuttablePart, size: number): IncidentContext {
  if (part !== 'description') return { ...context, [part]: context[part].slice(0, size) }
  return { ...context, description: context.description.slice(0, size).replace(/[\uD800-\uDBFF]$/, '') }
}

/** Everything that is not shown of an incident. */
export function leftOut(context: IncidentContext): LeftOut[] {
  return cuttableParts
    .map((part) => ({ part, left: context.whole[part] - context[part].length, of: context.whole[part] }))
    .filter(({ left }) => left > 0)
}

/** The incident as a prompt shows it: a mark stands where the rest of a part would be. */
export function withMarks(context: IncidentContext): IncidentContext {
  const marked = { ...context }
  for (const { part, left, of } of leftOut(context)) {
    const unit = part === 'description' ? 'characters' : part
    const mark = `[left out to fit the token budget: ${left} of ${of} ${unit}]`
    if (part === 'description') marked.description = `${context.description.trimEnd()} ${mark}`.trimStart()
    else if (part === 'alerts') {
      const note = { title: mark, description: '', severity: '', product: '', tactics: [] }
      marked.alerts = [...context.alerts, note]
    } else if (part === 'entities') marked.entities = [...context.entities, { kind: '', name: mark }]
    else marked[part] = [...context[part], mark]
  }
  return marked
}
