import type { Topic } from './topic.ts'

export const networkTopics: Topic[] = [
  {
    name: 'command and control',
    signs:
      /\bc2\b|command.and.control|beacon|ti map|threat intel|matched an ioc|ioc match|\btor\b|malicious (ip|domain|url)|known (bad|malicious)|botnet|callback/gi,
    tactics: ['CommandAndControl'],
    steps: [
      {
        title: 'Confirm the beacon by its rhythm',
        summary:
          'Look at interval, size and age of the connections between {host} and {ip}. Machines talk at steady intervals, people do not, and a listed address alone proves little.',
        look: [
          'regular intervals with a small jitter, also at night',
          'small requests with answers of nearly the same size',
          'age and source of the indicator: a shared hosting address ages within days',
        ],
        query:
          'CommonSecurityLog | where DestinationIP == "{ip}" or SourceIP == "{ip}" | summarize count(), sum(SentBytes) by SourceIP, DestinationHostName, bin(TimeGenerated, 5m)',
        escalate: 'the rhythm is regular and the destination is new in the network',
      },
      {
        title: 'Find the process behind the connection',
        summary:
          'Identify the process and the file on {host} that open the connections, with hash, signer and parent. A browser visit ends here; an unsigned program in a user folder does not.',
        look: ['path and signature of the file', 'whether it starts by itself', 'what it wrote or started since'],
        query:
          'DeviceNetworkEvents | where RemoteIP == "{ip}" or RemoteUrl has "{domain}" | project Timestamp, DeviceName, InitiatingProcessFileName, InitiatingProcessSHA256, InitiatingProcessCommandLine',
        escalate: "the file is unsigned, or runs from a user's or a temporary folder",
      },
      {
        title: 'Search the estate for the same destination',
        summary:
          'Search proxies, firewalls and DNS for {ip} and {domain} over 30 days, and block them once the list of hosts is complete. One infected host is rarely alone.',
        look: [
          'hosts that were in contact and fell silent since',
          'the same user agent or certificate towards other addresses',
          'volume that was sent out',
        ],
        query:
          'union isfuzzy=true CommonSecurityLog, DeviceNetworkEvents, DnsEvents | where TimeGenerated > ago(30d) | where * has "{ip}" or * has "{domain}" | summarize count() by Type, bin(TimeGenerated, 1d)',
        escalate: 'a second host talks to the same destination, or data left the network',
      },
    ],
  },
  {
    name: 'suspicious DNS',
    signs: /\bdns\b|domain generation|\bdga\b|dns tunnel|nxdomain|mining pools?|newly registered domain|subdomain/gi,
    tactics: [],
    steps: [
      {
        title: 'Read the queries themselves',
        summary:
          'List the names that {host} asked for, with time, type and answer. Random names, long labels and many failed answers each point to a different trouble.',
        look: [
          'share of failed answers: many speak for generated names',
          'long labels and TXT queries: they speak for a tunnel',
          'age and registrar of {domain}',
        ],
        query:
          'DnsEvents | where ClientIP == "{ip}" | summarize queries=count(), failed=countif(ResultCode != 0), names=dcount(Name) by QueryType, bin(TimeGenerated, 1h)',
        escalate: 'names are random or encode data, and some of them resolve',
      },
      {
        title: 'Find the program that asks',
        summary:
          'Match the queries with processes on {host}, since the resolver in the log is often not the one who asked. Browsers, agents and updaters explain much of the noise.',
        look: [
          'the true client behind forwarders and proxies',
          'process, hash and parent at the time of the first query',
          'load on processor or network that fits mining',
        ],
        query:
          'DeviceNetworkEvents | where DeviceName =~ "{host}" and RemotePort == 53 or RemoteUrl has "{domain}" | summarize count(), min(Timestamp) by InitiatingProcessFileName, InitiatingProcessCommandLine',
        escalate: 'an unknown program asks, or it talks to the address that it was given',
      },
      {
        title: 'Sink the domain and list who else asked',
        summary:
          'Block {domain} at the resolver with a sinkhole that logs, and see which clients go on asking. The sinkhole turns one alert into a list of infected hosts.',
        look: [
          'first query for the domain in the whole network',
          'clients that ask at the same rhythm',
          'related names with the same registrant or address',
        ],
        query:
          'DnsEvents | where Name has "{domain}" | summarize count(), min(TimeGenerated), max(TimeGenerated) by ClientIP, Computer',
        escalate: 'more than one client asks, or a server is among them',
      },
    ],
  },
  {
    name: 'reconnaissance',
    signs:
      /\bscan(s|ning|ner|ned)?\b|recon|discovery|enumerat|sweep|prob(e|ing)\b|excessive (number|failed)|failed connections|adfind|bloodhound|threat detection message/gi,
    tactics: ['Discovery', 'Reconnaissance'],
    steps: [
      {
        title: 'Decide who is scanning',
        summary:
          'Check whether {ip} is a known scanner, an administrator at work or a stranger. Inside hosts come before outside ones: the internet scans everybody, a workstation should not.',
        look: [
          'inventory and change calendar for the source',
          'number of ports and hosts touched, and how fast',
          'the tool: its name, its user agent, its order of ports',
        ],
        query:
          'CommonSecurityLog | where SourceIP == "{ip}" | summarize ports=dcount(DestinationPort), hosts=dcount(DestinationIP), count() by DeviceAction, bin(TimeGenerated, 10m)',
        escalate: 'an inside host scans and nobody ordered it',
      },
      {
        title: 'See which targets answered',
        summary:
          'Separate refused from accepted connections and follow the accepted ones for an hour. A refused probe costs nothing; what answered is what may be attacked next.',
        look: [
          'accepted connections and their ports',
          'logons or errors on the same target right after',
          'directory queries for administrators and trusts',
        ],
        query:
          'DeviceNetworkEvents | where RemoteIP == "{ip}" and ActionType == "InboundConnectionAccepted" | project Timestamp, DeviceName, LocalPort, InitiatingProcessFileName',
        escalate: 'a logon or an exploit attempt follows an accepted connection',
      },
      {
        title: 'Close what need not be reachable',
        summary:
          'Compare the services that answered with those that should be reachable, close the rest and block {ip} where it makes sense. Management ports open to everybody come first.',
        look: [
          'remote administration ports that answer from outside',
          'rules that are wider than their purpose',
          'exceptions without an owner or an end date',
        ],
        query:
          'AzureNetworkAnalytics_CL | where SrcIP_s == "{ip}" and FlowStatus_s == "A" | summarize count() by DestIP_s, DestPort_d, NSGRule_s',
        escalate: 'a management port is reachable from the internet, or the scan continues from new addresses',
      },
    ],
  },
  {
    name: 'web attack',
    signs:
      /log4j|sql injection|\bxss\b|exploit|\bcve-|web (attack|application)|\bwaf\b|http (authentication|request)|vulnerabilit|harmful extension|path traversal|contrast|web server/gi,
    tactics: [],
    steps: [
      {
        title: 'Separate attempts from successes',
        summary:
          'Read the requests from {ip} with their answers and decide which of them reached the application. Most are blocked; a 200 with an unusual size is worth ten blocked ones.',
        look: [
          'status and size of the answers, against normal traffic',
          'parameters and headers that carry the payload',
          'whether the firewall blocked or only detected',
        ],
        query:
          'AzureDiagnostics | where Category == "ApplicationGatewayFirewallLog" and clientIp_s == "{ip}" | summarize count() by action_s, ruleId_s, requestUri_s',
        escalate: 'a request was answered with success, or the rule only detects',
      },
      {
        title: 'Look at the server behind it',
        summary:
          'Check {host} for processes started by the web server, new files in its folders and connections that it opened. An exploit that worked shows on the server, not in the request.',
        look: [
          'shells or script hosts as children of the web process',
          'new or changed files in the web root',
          'outbound connections right after the request',
        ],
        query:
          'DeviceProcessEvents | where InitiatingProcessFileName in~ ("w3wp.exe", "httpd", "nginx", "java.exe", "tomcat9.exe") | project Timestamp, DeviceName, FileName, ProcessCommandLine',
        escalate: 'the web server started a shell, or a new script lies in its folders',
      },
      {
        title: 'Check the version and close the hole',
        summary:
          'Compare the version of the component with the published weakness, patch it or put a rule in front of it, and look where else it is installed. The same scanner will come back tomorrow.',
        look: [
          'exposed systems with the same component',
          'patch level, and the date of the patch against the first attempt',
          'credentials that the application could read',
        ],
        query:
          'DeviceTvmSoftwareVulnerabilities | where DeviceName =~ "{host}" | project DeviceName, SoftwareName, SoftwareVersion, CveId, VulnerabilitySeverityLevel',
        escalate: 'the component is vulnerable and was reachable before the patch',
      },
    ],
  },
]
