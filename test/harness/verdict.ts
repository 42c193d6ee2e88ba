import assert from 'node:assert/strict'
import type { Stack } from '../../deploy/local/start-stack.ts'
import type { TestIncident } from './incidents.ts'

/** Every incident has its three tasks, each written once and in step order, and its tag once, beside the labels it had. */
export function assertEnrichedOnce(stack: Stack, incidents: readonly TestIncident[]): void {
  for (const { guid, marker } of incidents) {
    const tasks = stack.sentinel.store.tasks(guid)
    assert.deepEqual(
      tasks.map((task) => [task.properties.title.slice(0, 6), task.writes]),
      [
        ['Step 1', 1],
        ['Step 2', 1],
        ['Step 3', 1],
      ],
      `tasks of ${marker}`,
    )
    const labels = (stack.sentinel.store.incident(guid).properties.labels ?? []).map((label) => label.labelName)
    assert.deepEqual(labels, ['from-analyst', 'ai-enriched'], `labels of ${marker}`)
  }
}

/** No message waits, is scheduled, or is dead. */
export function assertQueueEmpty(stack: Stack, queue = 'incidents'): void {
  const { active, scheduled, deferred, deadLettered } = stack.broker.inspect(queue)
  assert.deepEqual(
    { active: active.length, scheduled: scheduled.length, deferred: deferred.length, dead: deadLettered.length },
    { active: 0, scheduled: 0, deferred: 0, dead: 0 },
    `what is left on ${queue}`,
  )
}

/** Resolves when the queue holds nothing but dead letters; checked at the broker's own events. */
export async function queueEmpty(stack: Stack, queue = 'incidents'): Promise<void> {
  const left = () => {
    const { active, scheduled, deferred } = stack.broker.inspect(queue)
    return active.length + scheduled.length + deferred.length
  }
  if (left() === 0) return
  await new Promise<void>((resolve) => {
    const look = () => {
      if (left() > 0) return
      for (const event of ['settled', 'dead-lettered', 'expired'] as const) stack.broker.events.off(event, look)
      resolve()
    }
    for (const event of ['settled', 'dead-lettered', 'expired'] as const) stack.broker.events.on(event, look)
  })
}
