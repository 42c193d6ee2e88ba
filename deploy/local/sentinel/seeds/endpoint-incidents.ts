import type { SeedIncident } from '../seed-incident.ts'
import { cloudWorkspace, europeWorkspace } from '../workspaces.ts'
import { tomaszWrona } from './analysts.ts'
import { account, file, fileHash, host, ip, malware, processRun, registryKey } from './entities.ts'

/** Workstations and servers. */
export const endpointIncidents: readonly SeedIncident[] = [
  {
    workspace: europeWorkspace,
    id: 'a2000000-5eed-4a00-8000-000000000001',
    title: 'Encoded PowerShell started by a spreadsheet',
    description:
      'On BRN-WS-1180, excel.exe started powershell.exe with an encoded command that downloads http://192.0.2.210/t/u.txt and runs it in memory. The workbook Q3_forecast.xlsm came by mail eleven minutes before and has the SHA-256 73b77c289cf7d369107068ec6f0ad7399428bf5c18bc2a1d28f249c573bf8379. The user s.haddad has local administrator rights because of a CAD licence service. Script block logging shows a second stage that asks the domain for all members of "Domain Admins".',
    severity: 'High',
    tactics: ['Execution', 'Discovery'],
    techniques: ['T1059', 'T1204', 'T1069'],
    ageMinutes: 12,
    alerts: [
      {
        title: 'Office application started an encoded script',
        description: 'excel.exe is the parent of powershell.exe -enc; the decoded text downloads a second stage.',
        compromisedEntity: 'BRN-WS-1180',
      },
      {
        title: 'Directory groups listed by a script',
        description: 'Members of privileged groups were listed by a process that has no window.',
        tactics: ['Discovery'],
        severity: 'Medium',
      },
    ],
    entities: [
      host('BRN-WS-1180'),
      account('NORDWERK\\s.haddad'),
      file('C:\\Users\\s.haddad\\Downloads', 'Q3_forecast.xlsm'),
      fileHash('73b77c289cf7d369107068ec6f0ad7399428bf5c18bc2a1d28f249c573bf8379'),
      processRun('powershell.exe -nop -w hidden -enc SQBFAFgAIAAoAC4ALgAuACkA', 7312),
      ip('192.0.2.210'),
    ],
  },
  {
    workspace: europeWorkspace,
    id: 'a2000000-5eed-4a00-8000-000000000002',
    title: 'Memory of the logon process read with a renamed dump tool',
    description:
      'The file C:\\ProgramData\\intel\\gfxui.exe, SHA-256 27713af6c3000774e054f20c15294b3c75842faa4996fbd02990e3e8a1a16b6e, opened lsass.exe with full access on the file server STU-FS-03 and wrote a file of 61 MB beside itself. Its version information says that it is a system tool for crash dumps, renamed. It was started by a scheduled task that the account NORDWERK\\svc-backup created three minutes before. svc-backup can log on to every server of the plant.',
    severity: 'High',
    status: 'Active',
    tactics: ['CredentialAccess', 'Persistence'],
    techniques: ['T1003', 'T1053'],
    owner: tomaszWrona,
    labels: ['tier-0'],
    ageMinutes: 75,
    alerts: [
      {
        title: 'Process memory of lsass.exe was copied',
        description: 'An unsigned path with a signed, renamed tool read the memory of the logon process.',
        compromisedEntity: 'STU-FS-03',
        remediationSteps: ['Isolate the server.', 'Treat every account that logged on since the last boot as known.'],
      },
    ],
    entities: [
      host('STU-FS-03'),
      account('NORDWERK\\svc-backup'),
      file('C:\\ProgramData\\intel', 'gfxui.exe'),
      fileHash('27713af6c3000774e054f20c15294b3c75842faa4996fbd02990e3e8a1a16b6e'),
      processRun('gfxui.exe -accepteula -ma lsass.exe d.bin', 4420),
    ],
  },
  {
    workspace: europeWorkspace,
    id: 'a2000000-5eed-4a00-8000-000000000003',
    title: 'Antivirus switched off by policy key on eleven machines',
    description:
      'Within four minutes the registry value that turns real-time protection off was set on eleven workstations of the paint shop, by reg.exe under the local SYSTEM account. The change did not come from the management server: it was pushed through the remote support tool, session of the external technician ext-hale. On PNT-WS-0021 a file named drv64.sys was written to the Temp folder directly afterwards.',
    severity: 'High',
    tactics: ['DefenseEvasion'],
    techniques: ['T1562', 'T1112'],
    ageMinutes: 18,
    alerts: [
      {
        title: 'Protection turned off on several machines',
        description: 'Eleven machines, four minutes, one session.',
      },
    ],
    entities: [
      host('PNT-WS-0021'),
      account('ext-hale@support-partner.example'),
      registryKey('SOFTWARE\\Policies\\Microsoft\\Windows Defender\\Real-Time Protection'),
      processRun('reg.exe add "HKLM\\SOFTWARE\\Policies\\Microsoft\\Windows Defender\\Real-Time Protection" /f', 988),
      file('C:\\Windows\\Temp', 'drv64.sys'),
    ],
  },
  {
    workspace: europeWorkspace,
    id: 'a2000000-5eed-4a00-8000-000000000004',
    title: 'Vulnerable driver loaded before a process gained SYSTEM rights',
    description:
      'The signed driver drv64.sys, SHA-256 2230ff6ced5d2214b5092e8e72fa76f399d1e9af13fa38f3aa9eabc644f9c03a, is on the block list for a known flaw that lets any user write kernel memory. It was loaded on PNT-WS-0021, and seconds later the unsigned program upd.exe, started by the standard user m.lind, ran with SYSTEM rights. The machine is the one on which protection had been turned off a quarter of an hour before.',
    severity: 'High',
    tactics: ['PrivilegeEscalation', 'DefenseEvasion'],
    techniques: ['T1068', 'T1014'],
    ageMinutes: 6,
    entities: [
      host('PNT-WS-0021'),
      account('NORDWERK\\m.lind'),
      file('C:\\Windows\\Temp', 'drv64.sys'),
      fileHash('2230ff6ced5d2214b5092e8e72fa76f399d1e9af13fa38f3aa9eabc644f9c03a'),
      processRun('C:\\Users\\m.lind\\AppData\\Local\\upd.exe -k', 5128),
    ],
  },
  {
    workspace: cloudWorkspace,
    id: 'a2000000-5eed-4a00-8000-000000000005',
    title: 'Web shell written to the supplier portal',
    description:
      'The worker process of the supplier portal on web-sup-02 wrote /var/www/portal/uploads/thumb_9f.php, 1,204 bytes, SHA-256 99811ada30670015b25781c597de8f51ba61be4484dffa9f858bbb79aaf1845c. The first request to it came 40 seconds later from 198.51.100.140 and ran "id; uname -a". The upload form accepts any extension since the release of last Thursday. Eleven more commands followed, the last of which listed the environment with the database password.',
    severity: 'High',
    tactics: ['Persistence', 'Execution', 'CredentialAccess'],
    techniques: ['T1505', 'T1059', 'T1552'],
    labels: ['internet-facing'],
    ageMinutes: 44,
    alerts: [
      {
        title: 'Script written by a web server process',
        description: 'The user www-data created a PHP file in an upload folder and the file was requested at once.',
        compromisedEntity: 'web-sup-02',
      },
    ],
    entities: [
      host('web-sup-02', 'Linux'),
      ip('198.51.100.140'),
      file('/var/www/portal/uploads', 'thumb_9f.php'),
      fileHash('99811ada30670015b25781c597de8f51ba61be4484dffa9f858bbb79aaf1845c'),
    ],
  },
  {
    workspace: europeWorkspace,
    id: 'a2000000-5eed-4a00-8000-000000000006',
    title: 'Scheduled task runs a script from a user folder at every logon',
    description:
      'The task "OneDrive Reporting Helper" was created on LYO-NB-0093 by c.besson; it runs wscript.exe with a script in AppData\\Roaming at each logon. The script contacts 203.0.113.61 on port 8443 and exits when the answer is empty, which it has been 14 times so far. The name imitates a real task of the same vendor but the author field is empty.',
    severity: 'Medium',
    tactics: ['Persistence', 'CommandAndControl'],
    techniques: ['T1053', 'T1071'],
    ageMinutes: 210,
    entities: [
      host('LYO-NB-0093'),
      account('c.besson@nordwerk.example'),
      processRun('wscript.exe //B C:\\Users\\c.besson\\AppData\\Roaming\\odrh.vbs', 10_244),
      ip('203.0.113.61'),
    ],
  },
  {
    workspace: europeWorkspace,
    id: 'a2000000-5eed-4a00-8000-000000000007',
    title: 'Event logs cleared on a print server',
    description:
      'The security and system logs of PRN-HAM-01 were cleared with wevtutil by NORDWERK\\adm-print at 04:12. The account belongs to the print team, whose runbook clears the logs before the monthly image is taken; the image job started at 04:30 as planned. Nothing else happened on the server that night.',
    severity: 'Low',
    tactics: ['DefenseEvasion'],
    techniques: ['T1070'],
    ageMinutes: 400,
    entities: [host('PRN-HAM-01'), account('NORDWERK\\adm-print'), processRun('wevtutil.exe cl Security', 3004)],
  },
  {
    workspace: cloudWorkspace,
    id: 'a2000000-5eed-4a00-8000-000000000008',
    title: 'Coin miner in a container of the test cluster',
    description:
      'A pod of the namespace perf-test on node aks-test-07 uses all of its processors since 01:55 and holds a connection to 192.0.2.88 on port 3333. Its image was pulled from a public registry by a tag, not by a digest, and starts a binary /tmp/.k with SHA-256 f8f2c1b3949c87f8e488334c3a951f272b44d8a911c1897047279c1f57e0b008. The namespace has no resource limits. The cluster shares a virtual network with the staging databases.',
    severity: 'Medium',
    tactics: ['Impact', 'Execution'],
    techniques: ['T1496', 'T1610'],
    ageMinutes: 260,
    alerts: [
      { title: 'Process with the traits of a coin miner', description: 'Full processor use and a stratum connection.' },
    ],
    entities: [
      host('aks-test-07', 'Linux'),
      ip('192.0.2.88'),
      fileHash('f8f2c1b3949c87f8e488334c3a951f272b44d8a911c1897047279c1f57e0b008'),
      malware('Coin miner, generic', 'CoinMiner'),
    ],
  },
]
