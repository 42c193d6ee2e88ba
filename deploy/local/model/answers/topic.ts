/**
 * One step of an investigation. In its texts `{account}`, `{host}`, `{ip}`, `{domain}` and `{hash}` stand for what the
 * incident names, or for a general word where it names none.
 */
export interface InvestigationStep {
  /** Unique over all topics and without placeholders: a follow-up finds the step by it. */
  title: string
  /** Two sentences: what to do, and why it comes here. */
  summary: string
  /** What to look at. */
  look: [string, string, string]
  /** One line of KQL. */
  query: string
  /** Completes "Escalate if". */
  escalate: string
}

/** A kind of incident. */
export interface Topic {
  name: string
  /** Words that speak for it; every match counts. */
  signs: RegExp
  /** MITRE ATT&CK tactics that speak for it where words do not, in Sentinel's spelling. */
  tactics: string[]
  steps: [InvestigationStep, InvestigationStep, InvestigationStep]
}
