import type { Entity, Incident, Label, Owner, Severity, Status } from './resources.ts'

export interface SeedAlert {
  title: string
  /** Alerts of Defender incidents carry the text that the incident itself lacks. */
  description?: string
  severity?: Severity
  product?: string
  tactics?: string[]
  compromisedEntity?: string
  remediationSteps?: string[]
}

/** `properties` as the API names them for the kind, for example `{ kind: 'Ip', properties: { address: '192.0.2.1' } }`. */
export interface SeedEntity {
  kind: string
  name: string
  properties: Record<string, unknown>
}

export interface SeedBookmark {
  title: string
  query: string
  notes?: string
}

/** An incident as a test or the demo writes it down; everything left out is filled in the way the service would. */
export interface SeedIncident {
  workspace: { subscriptionId: string; resourceGroup: string; workspace: string }
  /** A GUID. */
  id: string
  title: string
  description?: string
  severity: Severity
  status?: Status
  /** Default `Azure Sentinel`; Defender's are `Microsoft XDR`. */
  provider?: string
  /** The alert products; default that of the provider. */
  products?: string[]
  tactics?: string[]
  techniques?: string[]
  /** A plain name is a label of type `User`. */
  labels?: (string | Label)[]
  owner?: Pick<Owner, 'objectId' | 'email' | 'assignedTo'>
  /** How long ago, counted from the start of the server, the incident was created. Default 60. */
  ageMinutes?: number
  classification?: 'Undetermined' | 'TruePositive' | 'BenignPositive' | 'FalsePositive'
  alerts?: SeedAlert[]
  entities?: SeedEntity[]
  bookmarks?: SeedBookmark[]
}

/** An incident as the API answered it once (a line of the sample data): taken over as it stands. */
export interface RecordedIncident {
  incident: Incident
  alerts?: Entity[]
  entities?: Entity[]
}
