import type { Topic } from './topic.ts'

export const dataTopics: Topic[] = [
  {
    name: 'phishing',
    signs:
      /phish|e-?mails?\b|mailbox|inbox|attachment|spoof|\bspf\b|\bspam\b|secure email|business email|office 365 mail|forwarding|malicious link/gi,
    tactics: [],
    steps: [
      {
        title: 'Scope the message and its recipients',
        summary:
          'Find everyone who received the message, and who opened, clicked or answered it. Search by sender, subject and attachment hash, because the sender address alone is changed easily.',
        look: [
          'delivered, moved to junk or removed afterwards',
          'clicks, with time and address, and whether they were allowed',
          'the same link or attachment in other messages',
        ],
        query:
          'EmailEvents | where SenderFromDomain =~ "{domain}" or RecipientEmailAddress =~ "{account}" | join kind=leftouter UrlClickEvents on NetworkMessageId | project TimeGenerated, RecipientEmailAddress, Subject, DeliveryAction, ActionType',
        escalate: 'anybody entered credentials or ran the attachment',
      },
      {
        title: 'Check the mailboxes for hidden rules',
        summary:
          'Look for new inbox rules, delegates and forwarding in the mailboxes that were touched, {account} first. Attackers hide the answers to their mail with rules that delete or move them.',
        look: [
          'rules made after the first click, with odd names or none',
          'forwarding to outside addresses',
          'sent mail that its owner does not know',
        ],
        query:
          'OfficeActivity | where UserId =~ "{account}" and Operation in ("New-InboxRule", "Set-InboxRule", "Set-Mailbox", "Add-MailboxPermission") | project TimeGenerated, Operation, ClientIP, Parameters',
        escalate: 'a rule was made by a session from an address unknown to the user',
      },
      {
        title: 'Follow the accounts that clicked',
        summary:
          'Review the sign-ins of all who clicked for the 24 hours after it, and revoke sessions where in doubt. Stolen tokens work without the password and without the second factor.',
        look: [
          'new countries, user agents and devices',
          'tokens used without a second factor',
          'messages sent on to colleagues from the same account',
        ],
        query:
          'SigninLogs | where UserPrincipalName =~ "{account}" and TimeGenerated > ago(2d) | project TimeGenerated, IPAddress, Location, AppDisplayName, ResultType, AuthenticationRequirement',
        escalate: 'a sign-in succeeded from an address that the user never used before',
      },
    ],
  },
  {
    name: 'exfiltration',
    signs:
      /exfil|mass download|downloads?\b|upload|data (loss|transfer|leak)|sharepoint|onedrive|large (amount|volume)|copied to|sensitive data|\bdlp\b|purview/gi,
    tactics: ['Exfiltration', 'Collection'],
    steps: [
      {
        title: 'Measure what left and where it went',
        summary:
          'Add up files and bytes per hour for {account} and compare them with a normal day, then name the destination and its owner. Volume and label decide who has to be told.',
        look: [
          'files with labels or personal data',
          'destination: private cloud, outside share, removable disk',
          'one burst, or a little every day',
        ],
        query:
          'CloudAppEvents | where ActionType in ("FileDownloaded", "FileSyncDownloadedFull", "FileUploaded") and RawEventData has "{account}" | summarize files=dcount(ObjectName) by ActionType, bin(Timestamp, 1h)',
        escalate: 'labelled or personal data is among the files, or the destination is private',
      },
      {
        title: 'Tell a person from a stolen session',
        summary:
          'Check whether the transfer came from the usual device and place of {account}. A leaving employee, a migration and a stolen token move data in the same way, but not from the same place.',
        look: [
          'device, address and user agent of the transfer',
          'sharing links and new applications before it',
          'notice periods and planned migrations, asked for discreetly',
        ],
        query:
          'OfficeActivity | where UserId =~ "{account}" | summarize count(), dcount(OfficeObjectId) by Operation, ClientIP, UserAgent | order by count_ desc',
        escalate: 'device or place is new, or links for anybody were created',
      },
      {
        title: 'Close the way out and keep the record',
        summary:
          'Revoke the sessions, links and keys used for the transfer, and preserve the audit records before they expire. Take a copy of the destination address for the legal side.',
        look: [
          'storage keys and shared access signatures in use',
          'anonymous links and guests of the site',
          'transfers after the revocation',
        ],
        query:
          'StorageBlobLogs | where OperationName == "GetBlob" and CallerIpAddress startswith "{ip}" | summarize gigabytes=sum(ResponseBodySize) / 1e9 by AccountName, AuthenticationType',
        escalate: 'transfers go on after the revocation, or regulated data left',
      },
    ],
  },
  {
    name: 'insider risk',
    signs:
      /insider|departing|resign|risky users?|policy violation|unauthori[sz]ed (access|use)|off.?hours|after hours|disgruntled|user behaviou?r/gi,
    tactics: [],
    steps: [
      {
        title: 'Describe the behaviour without judging it',
        summary:
          'Write down what {account} did, when and with what, in neutral words, and compare it with colleagues in the same role. What looks odd for a company may be normal for a team.',
        look: [
          'activity against the last 30 days and against peers',
          'working hours and place',
          'access to things outside the own task',
        ],
        query:
          'BehaviorAnalytics | where UserPrincipalName =~ "{account}" | project TimeGenerated, ActivityType, InvestigationPriority, ActivityInsights | order by InvestigationPriority desc',
        escalate: 'the behaviour differs from peers and touches data outside the own task',
      },
      {
        title: 'Bring in the people who may know',
        summary:
          'Involve personnel and legal colleagues before anyone talks to the user, and keep the circle small. Evidence collected outside the rules cannot be used later.',
        look: [
          'role changes, notice given, open conflicts, as far as may be asked',
          'the policy that would be violated, in its own words',
          'who knows of the investigation already',
        ],
        query:
          'IdentityInfo | where AccountUPN =~ "{account}" | project AccountUPN, JobTitle, Department, Manager, IsAccountEnabled, AssignedRoles',
        escalate: 'the user has privileged access, or is about to leave',
      },
      {
        title: 'Preserve evidence and limit access quietly',
        summary:
          'Place a hold on mailbox and files of {account} and reduce access that is not needed today. Quiet measures keep both the evidence and the presumption of innocence.',
        look: [
          'mail and files under hold, with the date',
          'removable media and private cloud use',
          'access that can go without being noticed',
        ],
        query:
          'DeviceFileEvents | where InitiatingProcessAccountUpn =~ "{account}" and FolderPath matches regex "^[D-Z]:" | summarize files=count() by DeviceName, bin(Timestamp, 1h)',
        escalate: 'files are copied to removable media or deleted after the hold',
      },
    ],
  },
  {
    name: 'cloud resource change',
    signs:
      /\baws\b|\bazure\b(?! sentinel)|\bgcp\b|cloud|\bvpc\b|security groups?|\bs3\b|bucket|key vault|subscription|virtual machine|kubernetes|\baks\b|resource (group|creation|deletion)|storage account|conditional access|policy (modified|created|changed)|github|jira/gi,
    tactics: ['Impact'],
    steps: [
      {
        title: 'Reconstruct the change',
        summary:
          'Establish which resource was changed, from what to what, by which principal and with which tool. A pipeline run, a console click and a stolen key leave different user agents.',
        look: [
          'caller, address and user agent against the last month',
          'the value before and after',
          'other changes in the same hour',
        ],
        query:
          'union isfuzzy=true AzureActivity, AWSCloudTrail | where Caller =~ "{account}" or SourceIpAddress == "{ip}" | project TimeGenerated, OperationNameValue, EventName, UserAgent, ActivityStatusValue | order by TimeGenerated asc',
        escalate: 'the change came from an address or a tool that the principal never used',
      },
      {
        title: 'Judge what the change opened',
        summary:
          'Say in one sentence what became possible that was not before: reachable from the internet, readable by everybody, no longer logged. Then look whether somebody has used it already.',
        look: [
          'rules for any address, and public access',
          'keys, roles and trust relations created with it',
          'access to the resource since the change',
        ],
        query:
          'AzureDiagnostics | where ResourceType in ("VAULTS", "NETWORKSECURITYGROUPS", "STORAGEACCOUNTS") | summarize count() by OperationName, CallerIPAddress, ResultSignature',
        escalate: 'the resource holds secrets or personal data and was reached since',
      },
      {
        title: 'Roll back and guard the setting',
        summary:
          'Put the setting back from code or from the record, rotate the credential that made the change, and add a policy that refuses it next time. Confirm with the owner of the resource.',
        look: [
          'drift between the resource and its definition in code',
          'access keys of the principal, their age and last use',
          'the same change in other subscriptions or accounts',
        ],
        query:
          'AWSCloudTrail | where SourceIpAddress == "{ip}" or UserIdentityArn has "{account}" | summarize count(), min(TimeGenerated) by EventName, AWSRegion, ErrorCode',
        escalate: 'the change comes back, or the same principal changed more than one account',
      },
    ],
  },
]
