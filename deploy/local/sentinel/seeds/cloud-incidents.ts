import type { SeedIncident } from '../seed-incident.ts'
import { cloudWorkspace, europeWorkspace } from '../workspaces.ts'
import { tomaszWrona } from './analysts.ts'
import { account, azureResource, cloudApp, file, host, ip, link } from './entities.ts'

const production = '/subscriptions/c2f6e914-8b3d-4f6a-b1d9-7e2a5c904b02/resourceGroups/rg-prod'

/** Cloud resources, and data on its way out. */
export const cloudIncidents: readonly SeedIncident[] = [
  {
    workspace: cloudWorkspace,
    id: 'a4000000-5eed-4a00-8000-000000000001',
    title: 'Storage container made public, then read in full',
    description:
      'At 11:20 the container contracts of the account stprodlegal was set to public read by the pipeline identity id-deploy-prod; the template in the repository has a parameter that was renamed last week and now defaults to public. From 11:52 to 12:31 the address 198.51.100.12 read all 8,412 objects, 31 GB, without a token. The objects are signed supplier contracts.',
    severity: 'High',
    tactics: ['Collection', 'Exfiltration'],
    techniques: ['T1530', 'T1567'],
    labels: ['data-protection', 'legal'],
    ageMinutes: 33,
    alerts: [
      {
        title: 'Anonymous access was enabled on a container',
        description: 'The container contracts allows public read.',
      },
      {
        title: 'Unusual volume of anonymous reads',
        description: '8,412 objects were read from one address in 39 minutes.',
        tactics: ['Exfiltration'],
      },
    ],
    entities: [
      azureResource(`${production}/providers/Microsoft.Storage/storageAccounts/stprodlegal`),
      account('id-deploy-prod@nordwerk.example'),
      ip('198.51.100.12'),
      link('https://stprodlegal.blob.example/contracts'),
    ],
  },
  {
    workspace: cloudWorkspace,
    id: 'a4000000-5eed-4a00-8000-000000000002',
    title: 'Backups deleted and retention shortened before a weekend',
    description:
      'The account adm-koenig deleted 14 recovery points of the production databases and set the retention of the vault from 35 days to one, on Friday at 18:47. The session came from 203.0.113.33 with a valid second factor. Soft delete holds the recovery points until the 14th day. The owner of the account says that she had already left the office and that her phone was stolen at the station.',
    severity: 'High',
    status: 'Active',
    tactics: ['Impact', 'DefenseEvasion'],
    techniques: ['T1490', 'T1485'],
    owner: tomaszWrona,
    labels: ['ransomware-suspected'],
    ageMinutes: 48,
    alerts: [
      {
        title: 'Recovery points deleted',
        description: '14 recovery points of the vault rsv-prod were deleted in two minutes.',
        remediationSteps: ['Undelete the recovery points.', 'Require two people for changes to the vault.'],
      },
    ],
    entities: [
      account('adm-koenig@nordwerk.example'),
      ip('203.0.113.33'),
      azureResource(`${production}/providers/Microsoft.RecoveryServices/vaults/rsv-prod`),
    ],
  },
  {
    workspace: cloudWorkspace,
    id: 'a4000000-5eed-4a00-8000-000000000003',
    title: 'Owner role given to a guest account',
    description:
      'The guest account r.stone_partner was made Owner of the resource group rg-prod by adm-reyes, the account that had consented to an unverified application on the same day. The guest had accepted its invitation seven minutes earlier and has used the role once: it created a managed identity named id-diag. There is no ticket.',
    severity: 'High',
    tactics: ['PrivilegeEscalation', 'Persistence'],
    techniques: ['T1098', 'T1136'],
    ageMinutes: 160,
    alerts: [{ title: 'Privileged role assigned to a guest', description: 'Owner of a production resource group.' }],
    entities: [
      account('r.stone_partner@nordwerk.example'),
      account('adm-reyes@nordwerk.example'),
      azureResource(`${production}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/id-diag`),
    ],
  },
  {
    workspace: cloudWorkspace,
    id: 'a4000000-5eed-4a00-8000-000000000004',
    title: 'Key vault read by a virtual machine that never did before',
    description:
      'The identity of vm-report-01 listed 46 secrets of kv-prod-shared and read nine of them, among them the signing key of the order interface. The machine makes a nightly report and has read one secret a day for a year. A shell session through the serial console was open at the time, started by the operator account ops-nakamura.',
    severity: 'Medium',
    tactics: ['CredentialAccess', 'Discovery'],
    techniques: ['T1555', 'T1580'],
    ageMinutes: 85,
    entities: [
      host('vm-report-01', 'Linux'),
      account('ops-nakamura@nordwerk.example'),
      azureResource(`${production}/providers/Microsoft.KeyVault/vaults/kv-prod-shared`),
    ],
  },
  {
    workspace: europeWorkspace,
    id: 'a4000000-5eed-4a00-8000-000000000005',
    title: 'Drawings copied to a private cloud drive before a resignation',
    description:
      'The designer b.aalto moved 1,130 drawings, 9.4 GB, from the share \\\\STU-FS-03\\cad to a private cloud drive over three evenings. Her resignation was handed in on the fourth day. She has the right to read the share; the upload site is allowed for marketing only, and the proxy category was set wrong for her department.',
    severity: 'Medium',
    tactics: ['Exfiltration', 'Collection'],
    techniques: ['T1567', 'T1039'],
    labels: ['insider-risk', 'hr-informed'],
    ageMinutes: 2_200,
    alerts: [{ title: 'Large upload to a private cloud drive', description: '9.4 GB in three evenings by one user.' }],
    bookmarks: [
      {
        title: 'Uploads by evening',
        query: 'ProxyLogs | where User == "b.aalto" | summarize sum(SentBytes) by bin(TimeGenerated, 1d)',
        notes: 'The third evening has the assembly drawings of the new press.',
      },
    ],
    entities: [account('b.aalto@nordwerk.example'), host('STU-FS-03'), cloudApp('Private cloud drive')],
  },
  {
    workspace: cloudWorkspace,
    id: 'a4000000-5eed-4a00-8000-000000000006',
    title: 'Network rule opened remote desktop to every address',
    description:
      'A rule with priority 100 that allows port 3389 from any address was added to nsg-batch by the developer account dev-silva at 15:05 and removed at 15:58. In these 53 minutes, 71 addresses tried to sign in to vm-batch-02; none succeeded. The developer wrote in the team channel that the bastion was down.',
    severity: 'Low',
    tactics: ['DefenseEvasion', 'InitialAccess'],
    techniques: ['T1562', 'T1133'],
    ageMinutes: 190,
    entities: [
      account('dev-silva@nordwerk.example'),
      host('vm-batch-02'),
      azureResource(`${production}/providers/Microsoft.Network/networkSecurityGroups/nsg-batch`),
    ],
  },
  {
    workspace: cloudWorkspace,
    id: 'a4000000-5eed-4a00-8000-000000000007',
    title: 'Access key of the telemetry account found in a public repository',
    description:
      'A push to a public repository of the contractor contains the access key of the storage account sttelemetry in the file config/dev.env. The key was used from 192.0.2.199 six minutes later to list the containers. It allows writing, and the analytics pipeline trusts what it finds there. The push has since been deleted, but forks exist.',
    severity: 'High',
    tactics: ['ResourceDevelopment', 'CredentialAccess', 'InitialAccess'],
    techniques: ['T1588', 'T1552', 'T1078'],
    ageMinutes: 26,
    entities: [
      file('config', 'dev.env'),
      ip('192.0.2.199'),
      azureResource(`${production}/providers/Microsoft.Storage/storageAccounts/sttelemetry`),
    ],
  },
  {
    workspace: cloudWorkspace,
    id: 'a4000000-5eed-4a00-8000-000000000008',
    title: 'Diagnostic settings changed by the platform team',
    description:
      'The diagnostic settings of 23 resources were replaced within two minutes by the pipeline id-platform; the new ones send to the same workspace with fewer categories. The change belongs to the cost review CHG-20418. The categories that fell away are metrics, no audit logs.',
    severity: 'Informational',
    tactics: ['DefenseEvasion'],
    techniques: ['T1562'],
    labels: ['change-calendar'],
    ageMinutes: 360,
    entities: [account('id-platform@nordwerk.example')],
  },
]
