export interface LocalWorkspace {
  subscriptionId: string
  resourceGroup: string
  workspace: string
  /** The workspace's ARM id: what `SENTINEL_WORKSPACES` lists. */
  armId: string
  /** The Log Analytics id (`customerId`), which a trigger's body carries as `workspaceId`. */
  workspaceId: string
}

function defineWorkspace(names: Omit<LocalWorkspace, 'armId'>): LocalWorkspace {
  const { subscriptionId, resourceGroup, workspace } = names
  const armId = `/subscriptions/${subscriptionId}/resourceGroups/${resourceGroup}/providers/Microsoft.OperationalInsights/workspaces/${workspace}`
  return { ...names, armId }
}

/** The security operations workspace of a manufacturer's European plants. */
export const europeWorkspace = defineWorkspace({
  subscriptionId: '5d1c7a30-52d4-4b0f-9a57-0c6a3f1e7b01',
  resourceGroup: 'rg-soc-europe',
  workspace: 'law-soc-europe',
  workspaceId: '7a41d0c2-6f0e-4c13-8f4d-2c0b9be51a01',
})

/** The same company's cloud platform, in a second subscription: ARM counts its requests apart. */
export const cloudWorkspace = defineWorkspace({
  subscriptionId: 'c2f6e914-8b3d-4f6a-b1d9-7e2a5c904b02',
  resourceGroup: 'rg-soc-cloud',
  workspace: 'law-soc-cloud',
  workspaceId: 'e90b35f7-13ad-4d86-9c61-5b7f4e28ad02',
})

/** The workspaces that the local worker may write to. */
export const localWorkspaces: readonly LocalWorkspace[] = [europeWorkspace, cloudWorkspace]

/**
 * Exists and answers, but is on nobody's allow-list. The simulator does not refuse it by itself: a write that arrives
 * here proves that a worker followed a queue message to where it must not go.
 */
export const foreignWorkspace = defineWorkspace({
  subscriptionId: '91e0b4d8-3c57-4a2e-8d06-f5b1a7c63e03',
  resourceGroup: 'rg-other-tenant',
  workspace: 'law-other-tenant',
  workspaceId: '0c8d61e3-b27f-49a5-8e30-d4f95a716b03',
})
