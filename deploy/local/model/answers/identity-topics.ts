import type { Topic } from './topic.ts'

export const identityTopics: Topic[] = [
  {
    name: 'password guessing',
    signs:
      /brute.?force|password.?(spray|guess)|credential.?stuffing|failed (attempts?|log.?(in|on)s?|sign.?ins?|authentication)|authentication (failure|attempt)s?|disabled accounts?|lockout/gi,
    tactics: ['CredentialAccess'],
    steps: [
      {
        title: 'Look for the one attempt that succeeded',
        summary:
          'List every account that was tried from {ip} and mark those where a sign-in succeeded after the failures began. Guessing is noise until it works once, so this decides how urgent the incident is.',
        look: [
          'successes from the same address or user agent, also days later',
          'result codes: 50126 is a wrong password, 50053 a lockout, 50076 a right password stopped by the second factor',
          'sign-ins over legacy protocols, which ask for no second factor',
        ],
        query:
          'SigninLogs | where IPAddress == "{ip}" | summarize failures=countif(ResultType != "0"), successes=countif(ResultType == "0") by UserPrincipalName',
        escalate: 'any targeted account signed in from the attacking address, or got as far as the second factor',
      },
      {
        title: 'Rank the targeted accounts by what they can reach',
        summary:
          'Check roles, group memberships and multi-factor registration of the accounts that were tried, {account} first. A guessed service or administrator account costs more than twenty ordinary ones.',
        look: [
          'directory roles and privileged groups among the targets',
          'service accounts, and accounts excluded from conditional access',
          'how the attacker knew the names: a leaked list, or an enumeration before',
        ],
        query:
          'IdentityInfo | where AccountUPN =~ "{account}" | project AccountUPN, AssignedRoles, GroupMembership, IsAccountEnabled',
        escalate: 'a target holds an administrative role or has no second factor registered',
      },
      {
        title: 'Trace the source and close the door',
        summary:
          'Find out what {ip} is and what else it did in the last week, then block it and reset whatever was guessed. An inside source means a compromised host rather than a guessing stranger.',
        look: [
          'owner of the address: hosting provider, anonymiser, own VPN or an inside host',
          'other users and protocols from the same address',
          'whether smart lockout and conditional access did what they should',
        ],
        query:
          'union SigninLogs, AADNonInteractiveUserSignInLogs | where IPAddress == "{ip}" | summarize count() by AppDisplayName, ClientAppUsed, ResultType',
        escalate: 'the source is inside the network, or the attempts go on from new addresses after the block',
      },
    ],
  },
  {
    name: 'unusual sign-in',
    signs:
      /impossible travel|atypical|different countries|unfamiliar|anomalous|unusual (sign|log|location)|sign.?ins? from|log.?ins? from|without mfa|multi.?factor|anonymous ip|token (theft|replay)|session/gi,
    tactics: [],
    steps: [
      {
        title: "Compare the sign-in with the user's habit",
        summary:
          'Set the sign-in beside the last 30 days of {account}: countries, devices, applications and hours. Most impossible journeys are a VPN or a mobile network, and the history shows it in a minute.',
        look: [
          'whether the device is known, managed and compliant',
          'whether the second factor was answered, remembered or never asked for',
          'the network behind {ip}: company VPN, mobile provider or hosting provider',
        ],
        query:
          'SigninLogs | where UserPrincipalName =~ "{account}" and TimeGenerated > ago(30d) | summarize count() by Location, IPAddress, AppDisplayName, AuthenticationRequirement',
        escalate: 'country, network and device are all new and no second factor was asked for',
      },
      {
        title: 'See what the session did',
        summary:
          'List what {account} read, sent, downloaded or changed in the hours after the sign-in. An attacker with a session acts within minutes: mail rules, new security methods, mass downloads.',
        look: [
          'new inbox rules, forwarding and sent mail',
          'new authentication methods, devices and consents',
          'files opened or downloaded in numbers that are unusual for the user',
        ],
        query:
          'CloudAppEvents | where RawEventData has "{account}" | summarize count() by ActionType, Application, IPAddress | order by count_ desc',
        escalate: 'a security method was added, a mail rule was made, or files were downloaded in bulk',
      },
      {
        title: 'Ask the user and contain the account',
        summary:
          'Reach {account} over a second channel and ask about the sign-in; revoke the sessions if it is not recognised. Do not ask by mail or chat of the same account, which an attacker would read.',
        look: [
          'refresh tokens: revoke them before the password is reset, not after',
          'authentication methods that were registered since the sign-in',
          'other accounts that signed in from {ip} in the same week',
        ],
        query:
          'AuditLogs | where TargetResources has "{account}" and OperationName has_any ("security info", "password", "device") | project TimeGenerated, OperationName, InitiatedBy',
        escalate: 'the user denies the sign-in, or cannot be reached within an hour',
      },
    ],
  },
  {
    name: 'privilege change',
    signs:
      /privileged?|elevat|escalation|role (assign|management|grant)|roles?\b|\bpim\b|admin (promotion|user|policy)|full admin|added to .{0,30}groups?|account created|new (admin|user)/gi,
    tactics: ['PrivilegeEscalation'],
    steps: [
      {
        title: 'Name who changed which right',
        summary:
          'Establish who gave which right to whom, from where, and with which credential; {account} is the place to start. A person at work, a pipeline and a stolen session leave different traces.',
        look: [
          'address and user agent of the actor, against the last month',
          'whether the change came through an approved request or around it',
          'how old the receiving account is, and who made it',
        ],
        query:
          'AuditLogs | where OperationName has_any ("member to role", "eligible member", "member to group") | project TimeGenerated, OperationName, InitiatedBy, TargetResources',
        escalate: 'the actor never made such a change before, or no request or ticket explains it',
      },
      {
        title: 'Review everything done with the new right',
        summary:
          'Follow the receiver of the right from the minute of the change on: sign-ins, configuration changes and secrets read. Rights are taken to be used, and the use tells what the actor wanted.',
        look: [
          'further role assignments, which make the access lasting',
          'key vault reads, new credentials on applications, changed policies',
          'sign-ins of the receiver from new places',
        ],
        query:
          'AzureActivity | where Caller =~ "{account}" | summarize count(), min(TimeGenerated) by OperationNameValue, ActivityStatusValue',
        escalate: 'secrets were read, logging was changed, or rights were passed on to another account',
      },
      {
        title: 'Take the right back and look for its twins',
        summary:
          'Remove the assignment if nobody can explain it, and review all others of the same actor in the last 30 days. Record object ids and times first, since removing hides the evidence.',
        look: [
          'other assignments by the same actor or from the same address',
          'standing assignments that should be eligible ones',
          'break-glass accounts: untouched, and with alerts on use',
        ],
        query:
          'AuditLogs | where InitiatedBy has "{account}" and Category == "RoleManagement" | project TimeGenerated, OperationName, TargetResources',
        escalate: 'the right comes back after its removal, or the actor holds a tenant-wide role',
      },
    ],
  },
  {
    name: 'application consent',
    signs:
      /oauth|consent|service principals?|application (id|redirect|ownership|credential)|app(lication)? (permission|registration|role)s?|access credential|mail\.read|redirect ur[il]|federation trust/gi,
    tactics: [],
    steps: [
      {
        title: 'Read what the application was given',
        summary:
          'List the permissions in plain words, who consented, and who publishes the application. Access to mail or files without a signed-in user is what attackers ask for.',
        look: [
          'delegated or application permissions, and for all users or one',
          'publisher verification, age and reply addresses of the application',
          'credentials that were added to it, and by whom',
        ],
        query:
          'AuditLogs | where OperationName has_any ("Consent to application", "app role assignment", "Add service principal credentials") | project TimeGenerated, OperationName, InitiatedBy, TargetResources',
        escalate: 'the application may read mail or files of everybody, or its publisher is unknown',
      },
      {
        title: 'Check what the application did since',
        summary:
          'Look at the sign-ins and the data access of the service principal from the consent on. Compare address and volume with what the application says it does.',
        look: [
          'sign-ins from hosting providers or from countries without business',
          'mailboxes and sites that were read, and how many items',
          'activity at a steady pace, which means collection by a script',
        ],
        query:
          'AADServicePrincipalSignInLogs | where TimeGenerated > ago(14d) | summarize count() by ServicePrincipalName, IPAddress, ResourceDisplayName',
        escalate: 'mail or files were read by the application from an address that no owner can explain',
      },
      {
        title: 'Remove the grant and find who else consented',
        summary:
          'Disable the service principal first, then revoke the grant and its credentials, and look for the same application id in the whole tenant. One consent from a phishing link is seldom alone.',
        look: [
          'other users who consented to the same application, {account} aside',
          'how they came to it: a link in a mail or a chat message',
          'whether user consent is limited to verified publishers',
        ],
        query:
          'AuditLogs | where OperationName == "Consent to application" | summarize users=dcount(tostring(InitiatedBy)), min(TimeGenerated) by tostring(TargetResources)',
        escalate: 'more than one user consented, or an administrator did so for the tenant',
      },
    ],
  },
]
