import { ArmClock } from './arm-clock.ts'
import { type ArmPath, incidentArmId, parseArmPath } from './arm-path.ts'
import { nextEtag } from './etag.ts'
import { type IncidentRecord, recordFromAnswer, recordFromSeed } from './incident-record.ts'
import type { RecordedIncident, SeedIncident } from './seed-incident.ts'
import { foreignWorkspace, localWorkspaces } from './workspaces.ts'

type Scope = IncidentRecord['scope']

/** The incidents by ARM id, and the workspaces that exist. Lookups are case-insensitive, as ARM's are. */
export class IncidentTable {
  readonly clock = new ArmClock()
  readonly #records = new Map<string, IncidentRecord>()
  readonly #keyByGuid = new Map<string, string>()
  readonly #workspaces = new Map<string, Scope>()
  readonly #startedAt = Date.now()
  #lastNumber = 41_000

  constructor() {
    for (const workspace of [...localWorkspaces, foreignWorkspace]) this.#addWorkspace(workspace)
  }

  addSeed(seed: SeedIncident): IncidentRecord {
    return this.insert(recordFromSeed(seed, this.nextNumber(), this.#startedAt))
  }

  addRecorded(recorded: RecordedIncident): IncidentRecord {
    const path = parseArmPath(recorded.incident.id)
    if (!path?.incident) throw new Error(`not the ARM id of an incident: ${recorded.incident.id}`)
    return this.insert(recordFromAnswer(recorded, path))
  }

  insert(record: IncidentRecord): IncidentRecord {
    if (this.#records.has(record.key)) throw new Error(`the incident exists already: ${record.incident.id}`)
    this.#addWorkspace(record.scope)
    this.#records.set(record.key, record)
    this.#keyByGuid.set(record.incident.name.toLowerCase(), record.key)
    return record
  }

  remove(record: IncidentRecord): void {
    this.#records.delete(record.key)
    this.#keyByGuid.delete(record.incident.name.toLowerCase())
  }

  /** By ARM id or by GUID. */
  find(armIdOrGuid: string): IncidentRecord | undefined {
    const key = armIdOrGuid.trim().replace(/\/$/, '').toLowerCase()
    return this.#records.get(key) ?? this.#records.get(this.#keyByGuid.get(key) ?? '')
  }

  /** The incident at a path: a GUID that lives in another workspace is not found. */
  at(path: ArmPath): IncidentRecord | undefined {
    return this.#records.get(incidentArmId(path, path.incident ?? '').toLowerCase())
  }

  all(): IncidentRecord[] {
    return [...this.#records.values()]
  }

  inWorkspace(path: ArmPath): IncidentRecord[] {
    const key = workspaceKey(path)
    return this.all().filter((record) => workspaceKey(record.scope) === key)
  }

  /** The workspace as it was first spelled; `undefined` when there is none. */
  workspaceAt(path: ArmPath): Scope | undefined {
    return this.#workspaces.get(workspaceKey(path))
  }

  nextNumber(): number {
    this.#lastNumber += 1
    return this.#lastNumber
  }

  /**
   * Gives the incident a new etag and modification time. That a comment moves the incident's etag is known from users'
   * reports (SentinelAutomationModules issue 211); that a task or a relation does is assumed: it is the harder case
   * for a client, which must never hold an etag across its own writes.
   */
  touch(record: IncidentRecord): void {
    record.incident.etag = nextEtag()
    record.incident.properties.lastModifiedTimeUtc = this.clock.now()
  }

  #addWorkspace({ subscriptionId, resourceGroup, workspace }: Scope): void {
    const scope = { subscriptionId, resourceGroup, workspace }
    const key = workspaceKey(scope)
    if (!this.#workspaces.has(key)) this.#workspaces.set(key, scope)
  }
}

function workspaceKey({ subscriptionId, resourceGroup, workspace }: Scope): string {
  return `${subscriptionId}/${resourceGroup}/${workspace}`.toLowerCase()
}
