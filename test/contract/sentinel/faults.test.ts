import assert from 'node:assert/strict'
import { once } from 'node:events'
import { test } from 'node:test'
import { exampleSeed, incidentPath, startForTest } from './arm-client.ts'

const taskPath = `${incidentPath}/tasks/t`
const task = { properties: { title: 'a', status: 'New' } }

test('a failure hits as many matching requests as it says, and nothing of them is applied', async (context) => {
  const { call, sentinel } = await startForTest(context)
  const match = { method: 'put', path: /\/tasks\//g, incident: incidentPath.toUpperCase() }
  sentinel.faults.fail({ status: 503, retryAfterSeconds: 7, times: 2, match })
  const refused = once(sentinel.events, 'refused')
  assert.equal((await call('GET', incidentPath)).status, 200)
  const first = await call('PUT', taskPath, task)
  assert.deepEqual(
    [first.status, first.headers['retry-after'], first.body.error.code],
    [503, '7', 'ServiceUnavailable'],
  )
  assert.deepEqual((await refused)[0].status, 503)
  assert.equal((await call('PUT', taskPath, task)).status, 503)
  assert.deepEqual(sentinel.store.tasks(exampleSeed.id), [])
  assert.equal((await call('PUT', taskPath, task)).status, 201)
})

test('a failure ends when its time is over, or when it is cleared', async (context) => {
  const { call, sentinel } = await startForTest(context)
  sentinel.faults.fail({ status: 500, forMs: 0 })
  assert.equal((await call('GET', incidentPath)).status, 200)
  const handle = sentinel.faults.fail({ status: 429, code: 'Mine', message: 'as I say' })
  const { status, body } = await call('GET', incidentPath)
  assert.deepEqual([status, body.error], [429, { code: 'Mine', message: 'as I say' }])
  handle.clear()
  assert.equal((await call('GET', incidentPath)).status, 200)
})

test('in an outage open and new connections are destroyed, and afterwards everything is as before', async (context) => {
  const { call, sentinel } = await startForTest(context)
  await call('PUT', taskPath, task)
  sentinel.faults.outage(true)
  await assert.rejects(call('GET', incidentPath))
  await assert.rejects(call('GET', incidentPath))
  sentinel.faults.outage(false)
  assert.equal((await call('GET', taskPath)).status, 200)
})

test('an answer can be dropped after the write was applied: the client cannot know', async (context) => {
  const { call, sentinel } = await startForTest(context)
  sentinel.faults.dropAnswer({ times: 1, match: { path: /\/tasks\// } })
  assert.equal((await call('GET', `${incidentPath}/tasks`)).status, 200)
  // A refused write was not applied: its answer arrives, and the fault waits for the next one.
  assert.equal((await call('PUT', taskPath, { properties: {} })).status, 400)
  const request = once(sentinel.events, 'request')
  await assert.rejects(call('PUT', taskPath, task))
  assert.equal((await request)[0].status, 0)
  assert.equal(sentinel.store.tasks(exampleSeed.id)[0]?.writes, 1)
  assert.equal((await call('PUT', taskPath, task)).status, 200)
})

test('an analyst can edit between a read and the write that follows it', async (context) => {
  const { call, sentinel } = await startForTest(context)
  let edits = 0
  sentinel.faults.onBeforeWrite(({ incident }) => {
    if (edits === 2) return
    edits += 1
    sentinel.store.editIncident(incident, (properties) => {
      properties.labels.push({ labelName: `analyst-${edits}`, labelType: 'User' })
    })
  })
  const tag = async () => {
    const { etag, properties } = (await call('GET', incidentPath)).body
    const labels = [...properties.labels, { labelName: 'tag' }]
    return (await call('PUT', incidentPath, { etag, properties: { ...properties, labels } })).status
  }
  assert.deepEqual([await tag(), await tag(), await tag()], [409, 409, 200])
  assert.deepEqual(
    sentinel.store.incident(exampleSeed.id).properties.labels.map(({ labelName }) => labelName),
    ['by-hand', 'by-rule', 'analyst-1', 'analyst-2', 'tag'],
  )
})

test('a delayed answer comes later, and shows what was true when it was asked', async (context) => {
  const { call, sentinel } = await startForTest(context)
  sentinel.faults.delay(150, { method: 'GET' })
  const read = once(sentinel.events, 'incident-read')
  const startedAt = performance.now()
  const answer = call('GET', incidentPath)
  await read
  sentinel.store.editIncident(exampleSeed.id, (properties) => {
    properties.title = 'Edited meanwhile'
  })
  assert.equal((await answer).body.properties.title, exampleSeed.title)
  assert.ok(performance.now() - startedAt >= 145)
})

test('who edits as soon as a read is announced does not change what the reader is told', async (context) => {
  const { call, sentinel } = await startForTest(context)
  sentinel.events.once('incident-read', ({ incident }) => {
    sentinel.store.editIncident(incident, (properties) => {
      properties.title = 'Edited at once'
    })
  })
  const { etag, properties } = (await call('GET', incidentPath)).body
  assert.equal(properties.title, exampleSeed.title)
  assert.equal((await call('PUT', incidentPath, { etag, properties })).status, 409)
})

test('clear ends every fault', async (context) => {
  const { call, sentinel } = await startForTest(context)
  const { faults } = sentinel
  faults.fail({ status: 500 })
  faults.forbidWorkspace('law-soc-europe', true)
  faults.dropAnswer({ times: 5 })
  faults.delay(60_000)
  faults.onBeforeWrite(() => assert.fail('the hook is still there'))
  faults.outage(true)
  faults.clear()
  const properties = { title: 'a', severity: 'Low', status: 'New' }
  assert.equal((await call('PUT', incidentPath, { properties })).status, 200)
})

test('closing does not wait for a delayed answer', async (context) => {
  const { call, sentinel } = await startForTest(context)
  sentinel.faults.delay(60_000)
  const read = once(sentinel.events, 'incident-read')
  const answer = assert.rejects(call('GET', incidentPath))
  await read
  await sentinel.close()
  await answer
})

test('every request and every write is announced', async (context) => {
  const { call, sentinel } = await startForTest(context)
  const seen: unknown[] = []
  sentinel.events.on('incident-read', ({ incident, by }) => seen.push(['read', incident, by]))
  sentinel.events.on('incident-written', ({ incident, by }) => seen.push(['written', incident, by]))
  sentinel.events.on('task-written', ({ taskId, created, by }) => seen.push(['task', taskId, created, by]))
  sentinel.events.on('comment-written', ({ commentId, created }) => seen.push(['comment', commentId, created]))
  sentinel.events.on('request', ({ method, status }) => seen.push([method, status]))
  await call('GET', incidentPath)
  await call('PUT', taskPath, task)
  await call('PUT', `${incidentPath}/comments/c`, { properties: { message: 'm' } })
  sentinel.store.completeTask(exampleSeed.id, 't')
  sentinel.store.editIncident(exampleSeed.id, () => {})
  assert.deepEqual(seen, [
    ['read', exampleSeed.id, 'api'],
    ['GET', 200],
    ['task', 't', true, 'api'],
    ['PUT', 201],
    ['comment', 'c', true],
    ['PUT', 201],
    ['task', 't', false, 'analyst'],
    ['written', exampleSeed.id, 'analyst'],
  ])
})
