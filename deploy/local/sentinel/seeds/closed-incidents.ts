import type { SeedIncident } from '../seed-incident.ts'
import { cloudWorkspace, europeWorkspace } from '../workspaces.ts'
import { maraLindqvist } from './analysts.ts'
import { account, host, ip } from './entities.ts'

/** Done before the worker came: it must leave them alone. */
export const closedIncidents: readonly SeedIncident[] = [
  {
    workspace: europeWorkspace,
    id: 'a6000000-5eed-4a00-8000-000000000001',
    title: 'Failed sign-ins of a service account after its password change',
    description:
      'The account NORDWERK\\svc-label failed to sign in 900 times from LBL-SRV-01 after its planned password change. The label printers used the old password until the service was restarted. Nothing else was found.',
    severity: 'Low',
    status: 'Closed',
    classification: 'FalsePositive',
    tactics: ['CredentialAccess'],
    techniques: ['T1110'],
    owner: maraLindqvist,
    ageMinutes: 4_000,
    entities: [host('LBL-SRV-01'), account('NORDWERK\\svc-label')],
  },
  {
    workspace: cloudWorkspace,
    id: 'a6000000-5eed-4a00-8000-000000000002',
    title: 'Test tool of the penetration testers on a staging server',
    description:
      'A known test tool was started on stg-web-01 from 192.0.2.240, the address that the penetration testers had announced. The report was delivered and the access was removed.',
    severity: 'Medium',
    status: 'Closed',
    classification: 'BenignPositive',
    tactics: ['Execution'],
    techniques: ['T1059'],
    labels: ['penetration-test'],
    ageMinutes: 9_000,
    entities: [host('stg-web-01', 'Linux'), ip('192.0.2.240')],
  },
]
