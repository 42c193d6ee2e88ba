/** What a prompt tells of its incident. */
export interface IncidentFacts {
  /** Empty when the prompt names none. */
  title: string
  severity: string
  tactics: string[]
  /** The text that describes the incident, without the prompt's own words as far as they can be told apart. */
  evidence: string
  account: string | undefined
  host: string | undefined
  ip: string | undefined
  domain: string | undefined
  hash: string | undefined
}

/** A longer prompt is read up to here: what matters stands in front, and the patterns stay fast. */
const readCharacters = 20_000

const knownTactics = [
  'Reconnaissance',
  'ResourceDevelopment',
  'InitialAccess',
  'Execution',
  'Persistence',
  'PrivilegeEscalation',
  'DefenseEvasion',
  'CredentialAccess',
  'Discovery',
  'LateralMovement',
  'Collection',
  'CommandAndControl',
  'Exfiltration',
  'Impact',
]

/** Reads the incident out of a prompt: labelled lines (`Title: …`) or JSON members (`"title": "…"`), or else all of it. */
export function readIncidentFacts(prompt: string): IncidentFacts {
  const text = prompt.slice(0, readCharacters)
  const title = labelled(text, 'title') ?? labelled(text, 'name') ?? ''
  const start = text.search(
    /^[^\S\n]*"?(?:incident[^\S\n]+|alert[^\S\n]+)?(?:title|name|description|severity)"?[^\S\n]*[:=]/im,
  )
  const evidence = start >= 0 ? text.slice(start) : text
  const letters = evidence.replace(/[^A-Za-z]/g, '').toLowerCase()
  return {
    title,
    severity: labelled(text, 'severity') ?? '',
    tactics: knownTactics.filter((tactic) => letters.includes(tactic.toLowerCase())),
    evidence,
    account: /\b[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,4}\b/.exec(evidence)?.[0],
    host: /\b(?:host|hostname|device|computer|machine)\s*(?:name)?"?\s*[:=]\s*"?([A-Za-z0-9][\w.-]{1,62})/i.exec(
      evidence,
    )?.[1],
    ip: /\b(?:\d{1,3}\.){3}\d{1,3}\b/.exec(evidence)?.[0],
    domain: domainIn(evidence),
    hash: /\b(?:[a-f0-9]{64}|[a-f0-9]{40}|[a-f0-9]{32})\b/i.exec(evidence)?.[0],
  }
}

function labelled(text: string, label: string): string | undefined {
  const line = new RegExp(
    `^[^\\S\\n]*(?:[-*]+[^\\S\\n]*)?(?:incident |alert )?${label}[* ]*[:=][* ]*(.{1,300})$`,
    'im',
  ).exec(text)?.[1]
  const member = new RegExp(`"${label}"\\s*:\\s*"((?:[^"\\\\\\n]|\\\\.){1,300})"`, 'i').exec(text)?.[1]
  return (line ?? member)?.trim() || undefined
}

/** The first domain that is part of no address, file name or link: the links in a rule's text are its references. */
function domainIn(text: string): string | undefined {
  for (const match of text.matchAll(/([@/]?)\b((?:[a-z0-9-]{1,63}\.){1,4}[a-z]{2,12})\b/gi)) {
    const [, before, domain = ''] = match
    if (before || /(^|\.)(microsoft\.com|aka\.ms|github\.com|azure\.com|mitre\.org)$/i.test(domain)) continue
    if (/\.(exe|dll|ps1|bat|vbs|js|txt|yaml|json|log|docx?|xlsx?|zip|read|all)$/i.test(domain)) continue
    return domain
  }
  return undefined
}

const general = {
  account: 'the account of the incident',
  host: 'the affected host',
  ip: 'the source address',
  domain: 'the domain in question',
  hash: 'the file in question',
}

/** Fills a step's placeholders for reading. */
export function fillText(text: string, facts: IncidentFacts): string {
  return text.replace(
    /\{(account|host|ip|domain|hash)\}/g,
    (_, name: keyof typeof general) => facts[name] ?? general[name],
  )
}

/** Fills a query's placeholders; what the incident does not name stays as a word in capitals to put in. */
export function fillQuery(query: string, facts: IncidentFacts): string {
  return query.replace(
    /\{(account|host|ip|domain|hash)\}/g,
    (_, name: keyof typeof general) => facts[name] ?? name.toUpperCase(),
  )
}
