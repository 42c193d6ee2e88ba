import type { SeedIncident } from '../seed-incident.ts'
import { foreignWorkspace } from '../workspaces.ts'
import { closedIncidents } from './closed-incidents.ts'
import { cloudIncidents } from './cloud-incidents.ts'
import { defenderIncidents } from './defender-incidents.ts'
import { endpointIncidents } from './endpoint-incidents.ts'
import { identityIncidents } from './identity-incidents.ts'
import { networkIncidents } from './network-incidents.ts'

/** The incidents of the two local workspaces that a worker enriches: none is closed, ten have no description. */
export const openIncidents: readonly SeedIncident[] = [
  ...identityIncidents,
  ...defenderIncidents,
  ...endpointIncidents,
  ...networkIncidents,
  ...cloudIncidents,
]

/** In a workspace that no local worker may write to: the demo's "not allowed" case. */
export const foreignIncident: SeedIncident = {
  workspace: foreignWorkspace,
  id: '9f000000-5eed-4a00-8000-000000000001',
  title: 'Repeated sign-in failures on a partner tenant',
  description:
    'Fourteen accounts of a partner tenant failed to sign in from 203.0.113.200 within ten minutes. The incident belongs to another team; it is here so that a worker can be seen to leave it alone.',
  severity: 'Low',
  tactics: ['CredentialAccess'],
  techniques: ['T1110'],
}

/** Everything that the local stack starts with: the open ones first, then the closed ones, then the foreign one. */
export const localSeeds: readonly SeedIncident[] = [...openIncidents, ...closedIncidents, foreignIncident]
