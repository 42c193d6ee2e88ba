/** What the demo model knows: a theme per kind of incident, with steps that an analyst would take. */
export interface Theme {
  name: string
  words: RegExp
  steps: Step[]
}

export interface Step {
  title: string
  /** One or two sentences for the plan. */
  summary: string
  /** What to do, in detail. */
  detail: string
  query: string
  escalateWhen: string
}

const step = (title: string, summary: string, detail: string, query: string, escalateWhen: string): Step => ({
  title,
  summary,
  detail,
  query,
  escalateWhen,
})

export const themes: Theme[] = [
  {
    name: 'phishing',
    words: /phish|e-?mail|mailbox|inbox|attachment|spoof|business email/i,
    steps: [
      step(
        'Scope the message',
        'Find every recipient of the message and who opened it.',
        'Search by sender, subject and attachment hash, and list who received, clicked or replied. Note whether it was delivered or moved to junk.',
        'EmailEvents | where SenderFromAddress == "<sender>" | join kind=leftouter UrlClickEvents on NetworkMessageId',
        'anybody entered credentials or ran the attachment',
      ),
      step(
        'Check the mailboxes',
        'Look for new inbox rules, delegates and forwarding on the affected mailboxes.',
        "Attackers hide replies with rules that delete or move mail. Compare each rule's creation time with the first click.",
        'OfficeActivity | where Operation in ("New-InboxRule","Set-InboxRule","Set-Mailbox")',
        'a rule was created by a session from an unknown address',
      ),
      step(
        'Follow the accounts',
        'Review the sign-ins of everybody who clicked, for the 24 hours after it.',
        'Look for new countries, new user agents, and tokens used without a second factor. Revoke sessions where in doubt.',
        'SigninLogs | where UserPrincipalName in (<users>) | summarize by IPAddress, AppDisplayName, ResultType',
        'a sign-in succeeded from an address that the user never used before',
      ),
    ],
  },
  {
    name: 'ransomware',
    words: /ransom|encrypt(ed|ion)|shadow cop|backup(s)? (was|were)? ?delet|wiper|impact/i,
    steps: [
      step(
        'Isolate and stop the spread',
        'Isolate the named hosts and block the account that ran the process.',
        'Isolation keeps memory for later. Block the account in the directory and end its sessions before anything is rebooted.',
        'DeviceInfo | where DeviceName in (<hosts>) | summarize arg_max(Timestamp, *) by DeviceName',
        'more hosts show the same file extension or note',
      ),
      step(
        'Find the first process',
        'Walk the process tree back from the encryption to its first parent.',
        'The parent tells how it started: a service, a scheduled task, a remote session. Keep hash and command line.',
        'DeviceProcessEvents | where FileName =~ "<process>" or ProcessCommandLine has "vssadmin"',
        'the tree starts in a remote management tool or a domain controller',
      ),
      step(
        'Prove the backups',
        'Check that backups exist, are out of reach, and are older than the intrusion.',
        'Compare the last good backup with the first malicious process, not with the alert. Test a restore of one small share.',
        'AzureDiagnostics | where Category == "AzureBackupReport" | summarize max(TimeGenerated) by Resource',
        'backups were deleted or their last success is older than a day',
      ),
    ],
  },
  {
    name: 'credential attack',
    words:
      /brute.?force|password.?spray|failed (log|sign).?ins?|credential.?(access|dump|stuffing)|lsass|kerberoast|ntds|mimikatz/i,
    steps: [
      step(
        'Look for the one success',
        'List every account that was tried and find those where a sign-in succeeded.',
        'A spray is noise until it works once. Sort successes from the same address or user agent after the first failure.',
        'SigninLogs | where IPAddress in (<addresses>) | summarize failures=countif(ResultType != 0), successes=countif(ResultType == 0) by UserPrincipalName',
        'any targeted account signed in from the attacking address',
      ),
      step(
        'Check what the accounts can reach',
        'Review group memberships, roles and service accounts among the targets.',
        'Privileged and service accounts without a second factor come first. Reset what is weak and record what was reset.',
        'IdentityInfo | where AccountUPN in (<users>) | project AccountUPN, AssignedRoles, GroupMembership',
        'a target holds an administrative role or is excluded from multi-factor',
      ),
      step(
        'Trace the source',
        'Identify the host or address the attempts came from and what else it did.',
        'An inside source means a compromised host: look for the process that made the connections. An outside one goes to the block list.',
        'DeviceLogonEvents | where RemoteIP in (<addresses>) | summarize count() by DeviceName, ActionType',
        'the source is inside the network or tried other protocols too',
      ),
    ],
  },
  {
    name: 'unusual sign-in',
    words: /impossible travel|atypical travel|unfamiliar|sign.?in|mfa|multi.?factor|session|token|anonymous ip/i,
    steps: [
      step(
        "Compare with the user's habit",
        "Set the sign-in beside the user's last 30 days: countries, devices, applications.",
        'A VPN explains many travels. Check whether the device is known and managed, and whether the second factor was answered or skipped.',
        'SigninLogs | where UserPrincipalName == "<user>" | summarize count() by Location, DeviceDetail.displayName, AppDisplayName',
        'device and country are both new and the second factor was not asked for',
      ),
      step(
        'See what the session did',
        'List what was read, sent, downloaded or changed in the hours after the sign-in.',
        'Follow the session id over mail, files and the directory. Pay attention to new registered methods and consents.',
        'CloudAppEvents | where AccountObjectId == "<id>" | summarize count() by ActionType, Application',
        'a security method was added or files were downloaded in bulk',
      ),
      step(
        'Ask and contain',
        'Reach the user by a second channel; revoke sessions if they do not recognise it.',
        'Do not ask by mail or chat of the same account. Reset the password and review app passwords and legacy protocols.',
        'AuditLogs | where TargetResources has "<user>" | where OperationName has_any ("security info","password")',
        'the user denies the sign-in or cannot be reached within the hour',
      ),
    ],
  },
  {
    name: 'lateral movement',
    words: /lateral|remote (service|desktop|execution)|psexec|wmi|smb|rdp|pass.the.(hash|ticket)/i,
    steps: [
      step(
        'Draw the path',
        'List source and target hosts and the account of each hop, in order of time.',
        'Start with the alert and go both ways: who came to the source, and where the target went next.',
        'DeviceLogonEvents | where LogonType in ("RemoteInteractive","Network") | where AccountName == "<account>" | sort by Timestamp asc',
        'the path reaches a server with sensitive data or a domain controller',
      ),
      step(
        'Check the tool',
        "Decide whether the remote tool and its parent process are the administrators' own.",
        'Compare hash, path and time with the change calendar. Renamed binaries and temporary folders speak against it.',
        'DeviceProcessEvents | where FileName in~ ("psexesvc.exe","wmiprvse.exe") | project Timestamp, DeviceName, InitiatingProcessCommandLine',
        'nobody ordered the work or the binary was renamed',
      ),
      step(
        'Cut it off',
        'Disable the account and isolate the newest host in the path.',
        "Take the newest hop first, since that is where the attacker is. Rotate the local administrator's password there.",
        'SecurityEvent | where EventID in (4624, 4672) and Account has "<account>"',
        'new logons appear after the account was disabled',
      ),
    ],
  },
  {
    name: 'exfiltration',
    words:
      /exfil|download(ed)?|upload|mass (download|file)|data (loss|transfer)|collection|sharepoint|storage account/i,
    steps: [
      step(
        'Measure what left',
        'Establish what was taken, how much, and where it went.',
        "Sum bytes and files per hour and compare with the user's normal day. Name the destination and its owner.",
        'CloudAppEvents | where ActionType in ("FileDownloaded","FileSyncDownloadedFull") | summarize files=dcount(ObjectName) by AccountDisplayName, bin(Timestamp, 1h)',
        'labelled or personal data is among the files',
      ),
      step(
        'Check the intent',
        'Look at what the account did before: new devices, sharing links, a resignation.',
        'Talk to the data owner before the user. Automation and migrations look alike: check for a service account or a ticket.',
        'OfficeActivity | where UserId == "<user>" | where Operation has_any ("SharingSet","AnonymousLinkCreated")',
        'links for anybody were created or the destination is private',
      ),
      step(
        'Close the way',
        'Revoke sessions, links and keys that were used for the transfer.',
        'Rotate storage keys and shared access signatures, and remove anonymous links. Keep the audit log from rotation.',
        'StorageBlobLogs | where OperationName == "GetBlob" | summarize sum(ResponseBodySize) by CallerIpAddress, AuthenticationType',
        'transfers go on after the revocation',
      ),
    ],
  },
  {
    name: 'command and control',
    words:
      /c2|command.and.control|beacon|dns (tunnel|query|request)|periodic|tor exit|malicious (ip|domain|url)|threat intel/i,
    steps: [
      step(
        'Confirm the beacon',
        'Check the rhythm, size and age of the connections to the destination.',
        'Regular intervals with small jitter speak for a beacon. Look up when the domain was first seen in the network.',
        'DeviceNetworkEvents | where RemoteUrl has "<domain>" | summarize count() by DeviceName, bin(Timestamp, 5m)',
        'the interval is regular and the domain is younger than a month',
      ),
      step(
        'Find the process',
        'Identify the process and file that open the connections.',
        'Take hash, signer, path and parent. Check whether it starts by itself: run keys, tasks, services.',
        'DeviceNetworkEvents | where RemoteIP == "<address>" | project DeviceName, InitiatingProcessFileName, InitiatingProcessSHA256',
        "the file is unsigned or runs from a user's folder",
      ),
      step(
        'Look for siblings',
        'Search the whole estate for the same destination, hash and user agent.',
        'One infected host is rarely alone. Include proxies and DNS, since hosts may have stopped by now.',
        'CommonSecurityLog | where DestinationHostName has "<domain>" | summarize dcount(SourceIP) by DeviceVendor',
        'a second host talks to the same destination',
      ),
    ],
  },
  {
    name: 'malware',
    words:
      /malware|trojan|powershell|script|macro|execution|hash|payload|obfuscat|rundll|suspicious process|defense evasion/i,
    steps: [
      step(
        'Read the command line',
        'Decode the command line and say in one sentence what it does.',
        'Undo base64 and concatenation offline. Note addresses, file names and whether it ran with administrative rights.',
        'DeviceProcessEvents | where ProcessCommandLine has "<fragment>" | project Timestamp, DeviceName, AccountName, ProcessCommandLine',
        'it downloads and runs something, or switches protection off',
      ),
      step(
        'Check file and reputation',
        'Look up hash, signer and prevalence of the file in the estate.',
        'A file seen on one host only deserves more attention than one seen on a thousand. Submit it for analysis if unknown.',
        'DeviceFileEvents | where SHA256 == "<hash>" | summarize dcount(DeviceName), min(Timestamp) by FileName',
        'the file is unknown, unsigned and new in the estate',
      ),
      step(
        'Look for persistence',
        'Check run keys, services, scheduled tasks and new accounts on the host.',
        'Sort by creation time around the alert. Remove nothing before it is recorded.',
        'DeviceRegistryEvents | where RegistryKey has "CurrentVersion\\\\Run" | project Timestamp, DeviceName, RegistryValueData',
        'something new starts by itself and points to the same file',
      ),
    ],
  },
  {
    name: 'cloud privilege',
    words:
      /privilege|role (assign|member)|oauth|consent|service principal|application|key vault|subscription|azure|persistence|policy|resource/i,
    steps: [
      step(
        'Name the actor',
        'Establish which principal made the change, from where, and with which credential.',
        "Distinguish a person, an application and a pipeline. Compare address and user agent with the principal's last month.",
        'AuditLogs | where OperationName has_any ("role","consent","credential") | project TimeGenerated, InitiatedBy, TargetResources',
        'the principal never made such a change before',
      ),
      step(
        'Weigh the grant',
        'List what the new right allows and what was done with it since.',
        'Read the scopes or role definitions in words. Search sign-ins and activity of the grantee after the change.',
        'AzureActivity | where Caller == "<principal>" | summarize count() by OperationNameValue, ActivityStatusValue',
        'secrets were read or further rights were granted',
      ),
      step(
        'Take it back safely',
        'Remove the grant if no ticket explains it, and review others by the same actor.',
        'Remove the assignment and added credentials, then the application itself. Record the object ids first.',
        'AADServicePrincipalSignInLogs | where ServicePrincipalId == "<id>" | summarize by IPAddress, ResourceDisplayName',
        'the principal signs in again after the removal',
      ),
    ],
  },
  {
    name: 'reconnaissance',
    words: /scan|recon|discovery|enumerat|sweep|probe|port/i,
    steps: [
      step(
        'Decide who scans',
        'Check whether the source is a known scanner, an administrator or an unknown host.',
        'Ask the inventory and the change calendar first. Unknown inside hosts come before outside ones.',
        'CommonSecurityLog | where SourceIP == "<address>" | summarize ports=dcount(DestinationPort), hosts=dcount(DestinationIP)',
        'an inside host scans and nobody ordered it',
      ),
      step(
        'See what answered',
        'List targets and services that accepted a connection.',
        'Refused probes cost nothing. For accepted ones look at what followed on the same host within the hour.',
        'DeviceNetworkEvents | where RemoteIP == "<address>" and ActionType == "InboundConnectionAccepted"',
        'a logon or an exploit attempt follows an accepted connection',
      ),
      step(
        'Close what need not be open',
        'Compare the open services with what should be reachable, and close the rest.',
        'Management ports open to the internet come first. Record exceptions with an owner and an end date.',
        'AzureNetworkAnalytics_CL | where FlowStatus_s == "A" | summarize by DestPort_d, NSGRule_s',
        'a management port is reachable from outside',
      ),
    ],
  },
]

export const general: Step[] = [
  step(
    'Establish the facts',
    'List the hosts, accounts and addresses of the incident, and the time of the first event.',
    'Write the timeline before theories. Mark what is observed and what the rule assumes.',
    'SecurityAlert | where SystemAlertId in (<alerts>) | project TimeGenerated, AlertName, Entities',
    'a privileged account or a critical server is among them',
  ),
  step(
    'Check for the known and harmless',
    'Compare with earlier incidents of the same rule and with planned changes.',
    'Closed twins of this incident tell how it usually ends. A planned change explains much, if it names the same hosts.',
    'SecurityIncident | where Title == "<title>" | summarize count() by Classification',
    'it differs from its harmless twins in account, host or time',
  ),
  step(
    'Look around',
    'Search the same accounts and hosts for other signals in the 24 hours around it.',
    'Weak signals together make a strong one. Include sign-ins, processes and outbound connections.',
    'union SigninLogs, DeviceProcessEvents, DeviceNetworkEvents | where TimeGenerated > ago(1d) | where * has "<entity>"',
    'a second, unrelated rule fired for the same entity',
  ),
  step(
    'Contain by proportion',
    'Choose the smallest measure that stops harm if the suspicion is true.',
    'Revoking a session costs a minute, isolating a server a working day. Say who decides and until when.',
    'AuditLogs | where TargetResources has "<user>" | sort by TimeGenerated desc',
    'harm is likely before the next review',
  ),
  step(
    'Write it down',
    'Record what was checked and why the assessment stands.',
    'The next analyst reads the comment, not your mind. Name the evidence by its id.',
    'SecurityIncident | where IncidentNumber == <number> | project Comments',
    'the evidence contradicts the assessment',
  ),
]
