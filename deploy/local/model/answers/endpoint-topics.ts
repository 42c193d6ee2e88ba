import type { Topic } from './topic.ts'

export const endpointTopics: Topic[] = [
  {
    name: 'ransomware',
    signs:
      /ransom|encrypted files|file encryption|shadow cop|vssadmin|wiper|sdelete|mass deletion|backup deletion|destructive/gi,
    tactics: [],
    steps: [
      {
        title: 'Isolate the hosts and stop the spread',
        summary:
          'Isolate {host} from the network and disable {account} before anything is rebooted. Encryption runs over shares within minutes, and memory may hold the key.',
        look: [
          'hosts with the same file extension, note or process',
          'shares that the account can write to',
          'remote tools or group policy that could start it everywhere',
        ],
        query:
          'DeviceFileEvents | where ActionType == "FileRenamed" | summarize files=count() by DeviceName, InitiatingProcessFileName, bin(Timestamp, 5m) | where files > 200',
        escalate: 'a second host shows the same signs, or a domain controller or file server is among them',
      },
      {
        title: 'Walk back to the first process',
        summary:
          'Follow the process tree from the encryption back to its first parent, and note account, command line and hash at each level. How it started decides which door has to be closed.',
        look: [
          'services, scheduled tasks and remote sessions as parents',
          'tools that switch protection off or delete shadow copies',
          'files with {hash} elsewhere, and when they came',
        ],
        query:
          'DeviceProcessEvents | where DeviceName =~ "{host}" and ProcessCommandLine has_any ("vssadmin", "wbadmin", "bcdedit", "sdelete") | project Timestamp, AccountName, ProcessCommandLine, InitiatingProcessFileName',
        escalate: 'the tree starts in a remote management tool, a domain controller or a group policy',
      },
      {
        title: 'Prove that the backups can be restored',
        summary:
          'Check that backups exist out of reach of the account, and that they are older than the intrusion rather than the alert. Restore one small share to prove it.',
        look: [
          'last good backup before the first malicious process',
          'deleted vaults, policies or recovery points',
          'sign-ins of the backup operators in the last week',
        ],
        query:
          'AzureActivity | where OperationNameValue has "RECOVERYSERVICES" and OperationNameValue has "DELETE" | project TimeGenerated, Caller, OperationNameValue, ResourceGroup',
        escalate: 'backups were deleted, or the newest usable one is more than a day old',
      },
    ],
  },
  {
    name: 'malware',
    signs:
      /malware|trojan|virus|malicious (file|binary|process|executable)|powershell|rundll32|macro|payload|base64|obfuscat|hacking tool|recycle bin|process command.?lines?|\bhash(es)?\b|\biocs?\b|mimikatz|lsass|credential dump|new exe|vbscript/gi,
    tactics: ['Execution'],
    steps: [
      {
        title: 'Read the command line and its parents',
        summary:
          'Decode the command line on {host} and say in one sentence what it does, then look at what started it. A document or a browser as the parent tells another story than a management tool.',
        look: [
          'encoded or joined strings, decoded away from the host',
          'addresses and file names inside the command',
          'user and integrity level it ran with',
        ],
        query:
          'DeviceProcessEvents | where DeviceName =~ "{host}" | project Timestamp, AccountName, FileName, ProcessCommandLine, InitiatingProcessFileName, InitiatingProcessCommandLine | order by Timestamp asc',
        escalate: 'it downloads and runs something, reads credentials, or switches protection off',
      },
      {
        title: 'Check how common and how new the file is',
        summary:
          'Look up {hash} by reputation, signer and number of hosts. A file on one host that appeared an hour before the alert deserves more attention than one on a thousand.',
        look: [
          'first and last time the file was seen, and where it came from',
          'signature: missing, invalid or stolen',
          'the same hash under other names',
        ],
        query:
          'DeviceFileEvents | where SHA256 == "{hash}" or MD5 == "{hash}" | summarize hosts=dcount(DeviceName), min(Timestamp) by FileName, FolderPath',
        escalate: 'the file is unsigned, new in the estate, and was run',
      },
      {
        title: 'Look for what it left behind',
        summary:
          'Check run keys, services, scheduled tasks, new accounts and outbound connections on {host} around the time of the alert. Removing the file alone leaves the way back open.',
        look: [
          'anything that starts by itself and is younger than the alert',
          'connections by the process or its children',
          'logons from this host to others afterwards',
        ],
        query:
          'union DeviceRegistryEvents, DeviceNetworkEvents | where DeviceName =~ "{host}" | project Timestamp, ActionType, RegistryKey, RemoteUrl, RemoteIP, InitiatingProcessFileName',
        escalate:
          'something starts by itself and points to the same file, or a connection to an unknown address is open',
      },
    ],
  },
  {
    name: 'lateral movement',
    signs:
      /lateral|remote (service|desktop|execution)|psexec|\bwmi|\bsmb\b|\brdp\b|pass.the.(hash|ticket)|kerberoast|golden ticket|ntds|domain controller|via gpo|default domain/gi,
    tactics: ['LateralMovement'],
    steps: [
      {
        title: 'Draw the path from host to host',
        summary:
          'List source, target and account of each hop in order of time, starting at {host} and going both ways. The first hop shows how it began, the last where the attacker is now.',
        look: [
          'remote logons of {account}, interactive and network ones',
          'hosts which this account never used before',
          'time between hops: seconds mean a script, minutes a person',
        ],
        query:
          'DeviceLogonEvents | where AccountName =~ "{account}" and LogonType in ("RemoteInteractive", "Network") | project Timestamp, DeviceName, RemoteDeviceName, RemoteIP | order by Timestamp asc',
        escalate: 'the path reaches a domain controller or a server with sensitive data',
      },
      {
        title: 'Decide whose remote tool it is',
        summary:
          "Check whether tool, path and time fit the administrators' own work. The same programs serve both sides, so the change calendar and the parent process decide.",
        look: [
          'services and tasks that were created on the target',
          'renamed binaries and temporary folders',
          'the ticket or the job that ordered the work',
        ],
        query:
          'DeviceProcessEvents | where FileName in~ ("psexesvc.exe", "wmiprvse.exe", "wsmprovhost.exe") | project Timestamp, DeviceName, AccountName, ProcessCommandLine, InitiatingProcessCommandLine',
        escalate: 'nobody ordered the work, or the binary was renamed',
      },
      {
        title: 'Cut the path at its newest end',
        summary:
          'Disable {account}, isolate the newest host of the path and rotate the credentials that were in memory there. Cutting the oldest host first only warns the attacker.',
        look: [
          'accounts that were logged on to the hosts of the path',
          'local administrator passwords shared between hosts',
          'new logons after the account was disabled',
        ],
        query:
          'SecurityEvent | where EventID in (4624, 4672, 4776) and Account has "{account}" | summarize count() by Computer, EventID, IpAddress',
        escalate: 'logons go on after the account was disabled, or a privileged credential was in memory',
      },
    ],
  },
  {
    name: 'persistence',
    signs:
      /persist|scheduled task|run key|startup folder|new service|registry|web ?shell|backdoor|autostart|logon script|cron/gi,
    tactics: ['Persistence'],
    steps: [
      {
        title: 'Record what starts by itself',
        summary:
          'List tasks, services, run keys and logon scripts on {host} that are younger than a month, with the account that made them. Record before removing, because the entry is the evidence.',
        look: [
          'creation times around the alert, and names that imitate system ones',
          'commands that point into user or temporary folders',
          'the account and the process that wrote the entry',
        ],
        query:
          'DeviceRegistryEvents | where DeviceName =~ "{host}" and RegistryKey has_any ("CurrentVersion\\\\Run", "Services") | project Timestamp, RegistryKey, RegistryValueData, InitiatingProcessFileName',
        escalate: 'an entry starts an unsigned file, or nobody can say who made it',
      },
      {
        title: 'Find how the entry was written',
        summary:
          'Go back from the entry to the session and the account that wrote it; {account} is the first to check. What lasts was put there by access that came before.',
        look: [
          'logons to the host in the hour before',
          'files that arrived in the same session',
          'the same entry on other hosts',
        ],
        query:
          'DeviceEvents | where ActionType in ("ScheduledTaskCreated", "ServiceInstalled") | project Timestamp, DeviceName, AccountName, AdditionalFields, InitiatingProcessCommandLine',
        escalate: 'the writing session came from outside, or the entry is on more than one host',
      },
      {
        title: 'Remove it and watch for its return',
        summary:
          'Remove the entry and what it starts together, reset the account that wrote it, and watch {host} for three days. An entry that comes back means a second one was missed.',
        look: [
          'the file that the entry starts, and its copies',
          'other accounts and keys created at the same time',
          'outbound connections at the time when the entry would have run',
        ],
        query:
          'DeviceProcessEvents | where DeviceName =~ "{host}" and InitiatingProcessFileName in~ ("taskeng.exe", "svchost.exe", "services.exe") | summarize count(), min(Timestamp) by FileName, ProcessCommandLine',
        escalate: 'the entry returns, or the host connects to the same address again',
      },
    ],
  },
  {
    name: 'defense evasion',
    signs:
      /log (files? )?(deleted|deletion|cleared)|logs? files? deleted|audit.{0,20}(disabled|deleted|cleared)|disabl(e|ed|ing) .{0,30}(security|defender|logging|antivirus|protection)|tamper|cloudtrail|diagnostic settings?|exclusion/gi,
    tactics: ['DefenseEvasion'],
    steps: [
      {
        title: 'Establish what can no longer be seen',
        summary:
          'Find out which logs or protections were stopped, from when to when, and on which systems. The gap is where the real activity is, so its edges frame the investigation.',
        look: [
          'last event before the gap and first one after it',
          'the command or the console action that caused it',
          'second sources for the same time: network, identity, cloud',
        ],
        query:
          'union SecurityEvent, Event | where EventID in (1102, 104, 4719) or RenderedDescription has "cleared" | project TimeGenerated, Computer, Account, EventID',
        escalate: 'the gap is still open, or covers a privileged system',
      },
      {
        title: 'Check the account that did it',
        summary:
          'See whether {account} had the right and a reason to change this, and where it signed in from. Maintenance does the same things with a ticket and in working hours.',
        look: [
          'sign-ins before the change, with address and device',
          'other settings changed in the same session',
          'automation that runs under the same account',
        ],
        query:
          'AuditLogs | where InitiatedBy has "{account}" | project TimeGenerated, OperationName, Result, TargetResources | order by TimeGenerated asc',
        escalate: 'there is no ticket, or the session came from an address new to the account',
      },
      {
        title: 'Restore the view and hunt in the gap',
        summary:
          'Switch logging and protection on again, then search the time of the gap through sources that were not touched. Lock the setting so that it takes a second person next time.',
        look: [
          'network and sign-in records of the gap for {host}',
          'processes that run now and started in the gap',
          'the same change on other systems',
        ],
        query:
          'DeviceNetworkEvents | where DeviceName =~ "{host}" | summarize count(), min(Timestamp), max(Timestamp) by RemoteIP, RemoteUrl, InitiatingProcessFileName',
        escalate: 'the other sources show logons, downloads or new accounts inside the gap',
      },
    ],
  },
]
