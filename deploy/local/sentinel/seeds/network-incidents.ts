import type { SeedIncident } from '../seed-incident.ts'
import { cloudWorkspace, europeWorkspace } from '../workspaces.ts'
import { maraLindqvist } from './analysts.ts'
import { account, domain, file, host, ip, link, processRun } from './entities.ts'

/** What was seen on the wire: scans, beacons, lateral movement. */
export const networkIncidents: readonly SeedIncident[] = [
  {
    workspace: europeWorkspace,
    id: 'a3000000-5eed-4a00-8000-000000000001',
    title: 'Slow scan of the remote access range',
    description:
      'The address 203.0.113.77 sent 1,940 connection attempts to 118 addresses of the range 192.0.2.0/25 over six hours, never more than six a minute, on the ports 443, 3389, 4443 and 10443. Only the VPN gateway answered, and it showed its version in the login page. No sign-in was tried.',
    severity: 'Low',
    tactics: ['Reconnaissance'],
    techniques: ['T1595'],
    ageMinutes: 500,
    entities: [ip('203.0.113.77'), ip('192.0.2.20')],
  },
  {
    workspace: europeWorkspace,
    id: 'a3000000-5eed-4a00-8000-000000000002',
    title: 'Look-alike domain with a certificate for the careers site',
    description:
      'A certificate for careers-nordwerk.example and sso.careers-nordwerk.example appeared in the transparency logs at 06:30. The domain was registered yesterday, points to 198.51.100.201, and serves a copy of the careers page with a sign-in form that the real one does not have. No employee has contacted it yet according to the proxy logs. Two mail servers under the same domain accept connections.',
    severity: 'Medium',
    tactics: ['ResourceDevelopment', 'Reconnaissance'],
    techniques: ['T1583', 'T1608', 'T1598'],
    labels: ['brand-protection'],
    ageMinutes: 240,
    entities: [
      domain('careers-nordwerk.example'),
      ip('198.51.100.201'),
      link('https://sso.careers-nordwerk.example/login'),
    ],
  },
  {
    workspace: europeWorkspace,
    id: 'a3000000-5eed-4a00-8000-000000000003',
    title: 'Beacon every sixty seconds to a young domain',
    description:
      'The engineering workstation BRN-WS-0764 requests https://cdn-metrics.example/p.gif every 60 seconds with a jitter of five percent, since 19:20 yesterday and through the night. The domain is twelve days old. Requests carry a cookie of 860 characters that changes each time, and every twentieth answer is about 40 kB although the path names an image. The sending process is rundll32.exe under the account NORDWERK\\j.petrov, who was on leave.',
    severity: 'High',
    tactics: ['CommandAndControl'],
    techniques: ['T1071', 'T1573', 'T1001'],
    owner: maraLindqvist,
    status: 'Active',
    ageMinutes: 70,
    alerts: [
      {
        title: 'Periodic requests to a newly registered domain',
        description: '790 requests with nearly constant spacing from one workstation.',
        compromisedEntity: 'BRN-WS-0764',
      },
      {
        title: 'rundll32.exe opened an outbound connection',
        description: 'The command line names a library in the Public folder.',
        severity: 'Medium',
        tactics: ['DefenseEvasion'],
      },
    ],
    entities: [
      host('BRN-WS-0764'),
      account('NORDWERK\\j.petrov'),
      domain('cdn-metrics.example'),
      link('https://cdn-metrics.example/p.gif'),
      processRun('rundll32.exe C:\\Users\\Public\\wlx.dll,Start', 6640),
    ],
  },
  {
    workspace: europeWorkspace,
    id: 'a3000000-5eed-4a00-8000-000000000004',
    title: 'Name server queries with long random labels',
    description:
      'The machine GDN-HMI-02 on the line control network asked for 6,300 names under t.relay-check.example in two hours; each label is 52 to 60 characters of base32. The answers are TXT records. Machines of this network may use the internal resolver but reach no other service outside. The total volume of the labels is about 340 kB.',
    severity: 'High',
    tactics: ['CommandAndControl', 'Exfiltration'],
    techniques: ['T1071', 'T1048', 'T1572'],
    labels: ['operational-technology'],
    ageMinutes: 28,
    alerts: [
      { title: 'Data in name queries', description: 'Long random labels and TXT answers from a control station.' },
    ],
    entities: [host('GDN-HMI-02'), domain('t.relay-check.example'), ip('10.90.4.12')],
  },
  {
    workspace: europeWorkspace,
    id: 'a3000000-5eed-4a00-8000-000000000005',
    title: 'Remote service installed on nine servers from one workstation',
    description:
      'From 13:02 to 13:09 the account NORDWERK\\svc-backup opened the administrative share of nine servers from the workstation BRN-WS-1180, copied a file of eight random letters, and installed it as a service. On seven servers the service started. svc-backup normally logs on from the backup servers only, and its password was exposed on STU-FS-03 an hour before.',
    severity: 'High',
    tactics: ['LateralMovement', 'Execution'],
    techniques: ['T1021', 'T1569', 'T1570'],
    labels: ['tier-0'],
    ageMinutes: 9,
    alerts: [
      {
        title: 'Service with a random name installed over the network',
        description: 'Nine installations in seven minutes, one source, one account.',
        compromisedEntity: 'BRN-WS-1180',
      },
    ],
    entities: [
      host('BRN-WS-1180'),
      host('STU-APP-11'),
      host('STU-APP-12'),
      account('NORDWERK\\svc-backup'),
      file('\\\\STU-APP-11\\ADMIN$', 'qkzvhtyw.exe'),
    ],
  },
  {
    workspace: europeWorkspace,
    id: 'a3000000-5eed-4a00-8000-000000000006',
    title: 'Directory mapped from a workstation of the logistics office',
    description:
      'ROT-WS-0150 sent 41,000 directory queries in five minutes that ask for every computer, group, trust and session of the domain, far above its usual 200 a day. The order of the queries is that of a well-known mapping tool. The user n.dekker is a trainee and was signed in interactively. No tool was found on the disk; the process was already gone.',
    severity: 'Medium',
    tactics: ['Discovery'],
    techniques: ['T1087', 'T1069', 'T1482'],
    ageMinutes: 115,
    entities: [host('ROT-WS-0150'), account('n.dekker@nordwerk.example')],
  },
  {
    workspace: cloudWorkspace,
    id: 'a3000000-5eed-4a00-8000-000000000007',
    title: 'Peer-to-peer tunnel from the finance subnet',
    description:
      'fin-vm-04 holds four connections to 203.0.113.150 to 203.0.113.153 on port 41641 and has sent 2.2 GB through them since Monday. The program is a mesh VPN client that was installed by the contractor account ctr-alvarez, "to work from home". It is not on the list of allowed software, and the subnet has a route to the payment gateway.',
    severity: 'Medium',
    tactics: ['CommandAndControl'],
    techniques: ['T1090', 'T1572'],
    ageMinutes: 1_500,
    entities: [host('fin-vm-04', 'Linux'), account('ctr-alvarez@nordwerk.example'), ip('203.0.113.150')],
  },
  {
    workspace: europeWorkspace,
    id: 'a3000000-5eed-4a00-8000-000000000008',
    title: 'Internal vulnerability scanner outside its window',
    description:
      'The scanner SCN-02 at 10.10.250.9 tested 254 addresses of the laboratory network on a Wednesday, while its window is Sunday. The job carries the name of a laboratory engineer and was started by hand in the scanner console after a firmware update of the test rigs.',
    severity: 'Informational',
    tactics: ['Discovery', 'Reconnaissance'],
    techniques: ['T1046', 'T1595'],
    ageMinutes: 700,
    entities: [host('SCN-02', 'Linux'), ip('10.10.250.9')],
  },
]
