import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { Analyst } from '../harness/analyst.ts'
import { Fleet } from '../harness/fleet.ts'
import { addIncidents } from '../harness/incidents.ts'
import { queueEmpty } from '../harness/verdict.ts'

describe('an analyst who edits between every read and write', { timeout: 120_000 }, () => {
  let fleet: Fleet
  before(async () => {
    fleet = await Fleet.open({ queue: { duplicateDetectionWindowMs: 0 } })
  })
  after(() => fleet.close())

  it('in 1,000 races no edit of severity, owner, labels or status is lost, and no completed task is reopened', async () => {
    const { stack } = fleet
    const incidents = addIncidents(stack, 100)
    const ids = incidents.map(({ armId }) => armId)
    const analyst = new Analyst(stack, incidents, 10)
    fleet.start({ CONCURRENCY: '50' })
    await fleet.send(ids)
    await queueEmpty(stack)
    assert.equal(analyst.edits, 1_000)
    analyst.assertKept()
    for (const { guid } of incidents) {
      const labels = (stack.sentinel.store.incident(guid).properties.labels ?? []).map((label) => label.labelName)
      assert.equal(labels.filter((label) => label === 'ai-enriched').length, 1)
      assert.ok(labels.includes('from-analyst'))
    }

    // The analyst takes the tag away and the incident comes again: the completed tasks stay as they are.
    for (const { guid } of incidents.slice(0, 20)) {
      stack.sentinel.store.editIncident(guid, (properties) => {
        properties.labels = (properties.labels ?? []).filter((label) => label.labelName !== 'ai-enriched')
      })
    }
    const asked = stack.model.totals.requests
    await fleet.send(ids.slice(0, 20))
    await queueEmpty(stack)
    analyst.assertKept()
    analyst.stop()
    assert.equal(stack.model.totals.requests, asked, 'the model was asked again')
    for (const { guid } of incidents) {
      assert.deepEqual(
        stack.sentinel.store.tasks(guid).map((task) => task.writes),
        [1, 1, 1],
      )
    }
  })
})
