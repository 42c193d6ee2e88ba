/** The resources as the API answers them (api-version 2025-09-01). */

export const severities = ['High', 'Medium', 'Low', 'Informational'] as const
export type Severity = (typeof severities)[number]

export const statuses = ['New', 'Active', 'Closed'] as const
export type Status = (typeof statuses)[number]

export const taskStatuses = ['New', 'Completed'] as const
export type TaskStatus = (typeof taskStatuses)[number]

export const classifications = ['Undetermined', 'TruePositive', 'BenignPositive', 'FalsePositive'] as const
export const classificationReasons = [
  'SuspiciousActivity',
  'SuspiciousButExpected',
  'IncorrectAlertLogic',
  'InaccurateData',
] as const

export interface Resource<Properties> {
  id: string
  name: string
  etag: string
  type: string
  properties: Properties
}

/** Members are null, not absent, while nobody owns the incident; the published schema says string. */
export interface Owner {
  objectId: string | null
  email: string | null
  assignedTo: string | null
  userPrincipalName: string | null
  ownerType?: 'Unknown' | 'User' | 'Group'
}

export interface Label {
  labelName: string
  labelType: 'User' | 'AutoAssigned'
}

export interface IncidentAdditionalData {
  alertsCount: number
  bookmarksCount: number
  commentsCount: number
  alertProductNames: string[]
  tactics: string[]
  techniques: string[]
  providerIncidentUrl?: string
}

export interface IncidentProperties {
  title: string
  description?: string
  severity: Severity
  status: Status
  classification?: (typeof classifications)[number]
  classificationReason?: (typeof classificationReasons)[number]
  classificationComment?: string
  owner: Owner
  labels: Label[]
  firstActivityTimeUtc?: string
  lastActivityTimeUtc?: string
  lastModifiedTimeUtc: string
  createdTimeUtc: string
  incidentNumber: number
  additionalData: IncidentAdditionalData
  relatedAnalyticRuleIds: string[]
  incidentUrl: string
  providerName: string
  providerIncidentId: string
}
export type Incident = Resource<IncidentProperties>

/** Who made a write. An application has no mail address and no user principal name. */
export interface ClientInfo {
  objectId: string
  name: string
  email?: string
  userPrincipalName?: string
}

export interface Task
  extends Resource<{
    title: string
    description?: string
    status: TaskStatus
    createdTimeUtc: string
    lastModifiedTimeUtc: string
    createdBy: ClientInfo
    lastModifiedBy: ClientInfo
  }> {}

export interface Comment
  extends Resource<{
    message: string
    createdTimeUtc: string
    lastModifiedTimeUtc: string
    author: ClientInfo
  }> {}

export interface Relation
  extends Resource<{
    relatedResourceId: string
    relatedResourceName: string
    relatedResourceType: string
    relatedResourceKind?: string
  }> {}

/** An alert, a bookmark or any other entity: read-only here, so only the frame is typed. */
export interface Entity {
  id: string
  name: string
  type: string
  kind: string
  properties: Record<string, unknown>
}
