import { randomUUID } from 'node:crypto'
import { localWorkspaces } from '../../deploy/local/sentinel/workspaces.ts'
import type { Stack } from '../../deploy/local/start-stack.ts'

/** An incident of a test: `marker` stands in its title, and so in each model request about it. */
export interface TestIncident {
  guid: string
  armId: string
  marker: string
}

/** Adds open incidents, spread over the local workspaces. */
export function addIncidents(stack: Stack, count: number): TestIncident[] {
  return Array.from({ length: count }, (_, index) => {
    const workspace = localWorkspaces[index % localWorkspaces.length]
    if (!workspace) throw new Error('there is no local workspace')
    const guid = randomUUID()
    const marker = `case-${guid.slice(0, 13)}`
    const { id: armId } = stack.sentinel.store.addIncident({
      workspace,
      id: guid,
      title: `Suspicious sign-in ${marker}`,
      description: `A sign-in from an unusual country was followed by a new inbox rule (${marker}).`,
      severity: 'Medium',
      labels: ['from-analyst'],
    })
    return { guid, armId, marker }
  })
}
