import type { Playbook } from '../playbooks/load-playbook.ts'
import { withMarks } from '../sentinel/cut-context.ts'
import type { IncidentContext } from '../sentinel/incident-context.ts'

/** What a prompt's template sees: `incident`, and `evidence`, the playbook's choice of it as one block. */
export function promptScope(incident: IncidentContext, playbook: Pick<Playbook, 'evidence' | 'steps'>) {
  const seen = withMarks(incident.guard.datamarking ? datamarked(incident) : incident)
  const evidence = Object.fromEntries(
    playbook.evidence.map((member) => [member, seen[member]]).filter(([, value]) => !isEmpty(value)),
  )
  return { incident: seen, evidence, steps: playbook.steps }
}

function isEmpty(value: unknown): boolean {
  return value === '' || (Array.isArray(value) && value.length === 0)
}

/** Spaces of short texts as `^` (Spotlighting, arXiv 2403.14720): prose would cost twice its tokens, so descriptions stay. */
function datamarked(incident: IncidentContext): IncidentContext {
  const mark = (text: string) => text.replaceAll(' ', '^')
  return {
    ...incident,
    title: mark(incident.title),
    alerts: incident.alerts.map((alert) => ({ ...alert, title: mark(alert.title) })),
    entities: incident.entities.map((entity) => ({ ...entity, name: mark(entity.name) })),
  }
}
