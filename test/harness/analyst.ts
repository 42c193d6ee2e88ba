import assert from 'node:assert/strict'
import type { Stack } from '../../deploy/local/start-stack.ts'
import type { TestIncident } from './incidents.ts'

/** What the analyst wants the incident to look like: the last thing that was set, per property. */
interface Wish {
  severity?: string
  status?: string
  owner?: string
  labels: Set<string>
  completed: Set<string>
  edits: number
}

/**
 * An analyst who is always in between: edits an incident after each of the worker's reads, and completes each task as soon
 * as it is written. Keeps a record of its own, which `assertKept` compares with what is there at the end.
 */
export class Analyst {
  readonly #stack: Stack
  readonly #wishes: Map<string, Wish>
  readonly #off: (() => void)[]

  /** @param editsPerIncident how many times each incident is edited between a read and a write */
  constructor(stack: Stack, incidents: readonly TestIncident[], editsPerIncident: number) {
    this.#stack = stack
    this.#wishes = new Map(incidents.map(({ guid }) => [guid, { labels: new Set(), completed: new Set(), edits: 0 }]))
    const onRead = ({ incident }: { incident: string }) => {
      const wish = this.#wishes.get(incident)
      if (wish && wish.edits < editsPerIncident) this.#edit(incident, wish)
    }
    const onTask = ({ incident, taskId, by }: { incident: string; taskId: string; by: string }) => {
      const wish = this.#wishes.get(incident)
      if (!wish || by === 'analyst') return
      wish.completed.add(taskId)
      stack.sentinel.store.completeTask(incident, taskId)
    }
    stack.sentinel.events.on('incident-read', onRead)
    stack.sentinel.events.on('task-written', onTask)
    this.#off = [
      () => stack.sentinel.events.off('incident-read', onRead),
      () => stack.sentinel.events.off('task-written', onTask),
    ]
  }

  get edits(): number {
    return [...this.#wishes.values()].reduce((sum, wish) => sum + wish.edits, 0)
  }

  stop(): void {
    for (const off of this.#off) off()
  }

  /** @throws AssertionError when any edit was lost or a completed task was reopened */
  assertKept(): void {
    for (const [guid, wish] of this.#wishes) {
      const { properties } = this.#stack.sentinel.store.incident(guid)
      assert.equal(properties.severity, wish.severity, `severity of ${guid}`)
      assert.equal(properties.status, wish.status, `status of ${guid}`)
      assert.equal(properties.owner?.assignedTo, wish.owner, `owner of ${guid}`)
      const labels = new Set((properties.labels ?? []).map((label) => label.labelName))
      for (const label of wish.labels) assert.ok(labels.has(label), `${label} of ${guid}`)
      for (const task of this.#stack.sentinel.store.tasks(guid)) {
        assert.ok(wish.completed.has(task.name) && task.properties.status === 'Completed', `task of ${guid}`)
      }
    }
  }

  #edit(guid: string, wish: Wish): void {
    const turn = wish.edits++
    this.#stack.sentinel.store.editIncident(guid, (properties) => {
      const severity = turn % 2 === 0 ? 'High' : 'Low'
      const status = turn % 3 === 0 ? 'Active' : 'New'
      const owner = `Analyst ${turn}`
      const label = `edit-${turn}`
      Object.assign(properties, { severity, status })
      const email = `analyst-${turn}@contoso.example`
      properties.owner = {
        objectId: `00000000-0000-4000-8000-${String(turn).padStart(12, '0')}`,
        email,
        userPrincipalName: email,
        assignedTo: owner,
        ownerType: 'User',
      }
      properties.labels = [...(properties.labels ?? []), { labelName: label, labelType: 'User' }]
      Object.assign(wish, { severity, status, owner })
      wish.labels.add(label)
    })
  }
}
