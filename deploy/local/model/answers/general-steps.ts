import type { InvestigationStep } from './topic.ts'

/** Steps that fit every incident: they fill up a long plan, and make the plan of an incident of no known kind. */
export const generalSteps: InvestigationStep[] = [
  {
    title: 'Establish the facts and the timeline',
    summary:
      'List accounts, hosts and addresses of the incident with the time of the first event, and mark what was observed and what the rule assumes. Theories come after the timeline.',
    look: [
      'the raw events behind the alert, not its summary',
      'which entities are real people or servers, such as {account} or {host}',
      'the time between first event and alert',
    ],
    query:
      'SecurityAlert | where TimeGenerated > ago(2d) and Entities has "{account}" | project TimeGenerated, AlertName, Tactics, Entities',
    escalate: 'a privileged account or a critical server is among the entities',
  },
  {
    title: 'Check for a known and harmless explanation',
    summary:
      'Compare with earlier incidents of the same rule and with planned changes. Closed twins tell how this usually ends, and a change explains much if it names the same systems.',
    look: [
      'classification and comments of earlier incidents with this title',
      'changes and tests planned for that time',
      'whether the owner of {host} expects the activity',
    ],
    query:
      'SecurityIncident | where TimeGenerated > ago(90d) | summarize count() by Title, Classification, ClassificationReason',
    escalate: 'it differs from its harmless twins in account, host or time',
  },
  {
    title: 'Search the same entities for other signals',
    summary:
      'Look at {account}, {host} and {ip} for the 24 hours around the alert in sources that the rule does not read. Weak signals together make a strong one.',
    look: [
      'sign-ins, processes and outbound connections',
      'alerts of other products for the same entities',
      'things that happened for the first time',
    ],
    query:
      'search in (SigninLogs, DeviceProcessEvents, DeviceNetworkEvents) "{account}" | where TimeGenerated > ago(1d) | summarize count() by $table',
    escalate: 'a second, unrelated rule fired for the same entity',
  },
  {
    title: 'Contain in proportion to the risk',
    summary:
      'Choose the smallest measure that stops harm if the suspicion is true, and say who decides and until when. Revoking a session costs a minute, isolating a server a working day.',
    look: [
      'what the affected account or host can reach right now',
      'measures that can be undone without loss',
      'who has to know before the measure and who after it',
    ],
    query:
      'AuditLogs | where TargetResources has "{account}" | project TimeGenerated, OperationName, Result | order by TimeGenerated desc',
    escalate: 'harm is likely before the next review of the incident',
  },
  {
    title: 'Ask the owner over a second channel',
    summary:
      'Ask the owner of {account} or {host} what they did, by telephone or in person. A two-minute call closes more incidents than an hour of queries, but never over the account in question.',
    look: [
      'whether time and purpose fit the answer',
      'work by somebody else in the name of the owner',
      'changes which the owner noticed and did not report',
    ],
    query:
      'IdentityInfo | where AccountUPN =~ "{account}" | project AccountDisplayName, Manager, Department, MailAddress',
    escalate: 'the owner denies the activity or cannot be reached within an hour',
  },
  {
    title: 'Record the evidence and the decision',
    summary:
      'Write down what was checked, with the ids of the evidence, and why the assessment stands. The next analyst reads the incident, not your mind.',
    look: [
      'evidence that speaks against the assessment',
      'questions that stay open, with an owner',
      'exports of records that expire soon',
    ],
    query:
      'SecurityIncident | where TimeGenerated > ago(30d) | summarize arg_max(TimeGenerated, *) by IncidentNumber | project IncidentNumber, Title, Status, Comments',
    escalate: 'the evidence contradicts the assessment',
  },
  {
    title: 'Improve the rule that raised it',
    summary:
      'Decide whether threshold, exceptions or severity of the rule should change after this case. A rule that is always closed in the same way should say so by itself.',
    look: [
      'share of harmless incidents of this rule',
      'entities that should be on a watchlist',
      'data that was missing for a quick decision',
    ],
    query:
      'SecurityIncident | where TimeGenerated > ago(90d) | summarize total=count(), harmless=countif(Classification == "BenignPositive" or Classification == "FalsePositive") by Title',
    escalate: 'the rule would have missed the same activity with a small change',
  },
]
