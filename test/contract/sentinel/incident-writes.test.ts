import assert from 'node:assert/strict'
import { test } from 'node:test'
import { exampleSeed, incidentPath, scope, startForTest } from './arm-client.ts'

const minimal = { title: 'Renamed', severity: 'High', status: 'Active' }

test('an incident answers as real ones do: quoted etag, seven fraction digits, capital I, null owner', async (context) => {
  const { owner, ...seed } = exampleSeed
  const { call } = await startForTest(context, { seeds: [seed] })
  const { status, body } = await call('GET', incidentPath)
  assert.equal(status, 200)
  assert.match(body.etag, /^"[0-9a-f]{8}-[0-9a-f-]+"$/)
  assert.match(body.id, /\/Microsoft\.SecurityInsights\/Incidents\/0f000000-/)
  for (const time of [body.properties.createdTimeUtc, body.properties.lastModifiedTimeUtc]) {
    assert.match(time, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{7}Z$/)
  }
  const nobody = { objectId: null, email: null, assignedTo: null, userPrincipalName: null }
  assert.deepEqual(body.properties.owner, nobody)
  assert.deepEqual(body.properties.additionalData.techniques, ['T1059'])
})

test('path segments are compared in any case', async (context) => {
  const { call, sentinel } = await startForTest(context)
  assert.equal((await call('GET', incidentPath.toUpperCase())).status, 200)
  assert.equal((await call('GET', incidentPath.toLowerCase())).status, 200)
  assert.equal(sentinel.store.incident(exampleSeed.id.toUpperCase()).name, exampleSeed.id)
})

test('a stale etag is refused with 409 and changes nothing', async (context) => {
  const { call, sentinel } = await startForTest(context)
  const { etag } = (await call('GET', incidentPath)).body
  sentinel.store.editIncident(exampleSeed.id, (properties) => {
    properties.severity = 'Low'
  })
  const before = sentinel.store.incident(exampleSeed.id)
  const { status, body } = await call('PUT', incidentPath, { etag, properties: minimal })
  assert.equal(status, 409)
  assert.deepEqual(body.error, {
    code: 'Conflict',
    message: `Newer version of resource '${exampleSeed.id}' exists. Data was not saved`,
  })
  assert.deepEqual(sentinel.store.incident(exampleSeed.id), before)
  assert.deepEqual(sentinel.store.writesOf(exampleSeed.id), [])
})

test('of many writers with one etag exactly one wins', async (context) => {
  const { call, sentinel } = await startForTest(context)
  const { etag } = (await call('GET', incidentPath)).body
  const answers = await Promise.all(
    Array.from({ length: 12 }, (_, at) =>
      call('PUT', incidentPath, { etag, properties: { ...minimal, title: `${at}` } }),
    ),
  )
  assert.equal(answers.filter(({ status }) => status === 200).length, 1)
  assert.equal(answers.filter(({ status }) => status === 409).length, 11)
  assert.equal(sentinel.store.writesOf(exampleSeed.id).length, 1)
})

test('without an etag the last writer wins', async (context) => {
  const { call, sentinel } = await startForTest(context)
  sentinel.store.editIncident(exampleSeed.id, (properties) => {
    properties.title = 'Edited by the analyst'
  })
  assert.equal((await call('PUT', incidentPath, { properties: minimal })).status, 200)
  assert.equal(sentinel.store.incident(exampleSeed.id).properties.title, 'Renamed')
})

test('a PUT replaces the whole incident: what is not sent is lost', async (context) => {
  const { call } = await startForTest(context)
  const { etag } = (await call('GET', incidentPath)).body
  const { properties } = (await call('PUT', incidentPath, { etag, properties: minimal })).body
  assert.equal(properties.description, undefined)
  assert.equal(properties.firstActivityTimeUtc, undefined)
  assert.deepEqual(properties.labels, [])
  assert.equal(properties.owner.objectId, null)
})

test('a PUT of everything that was read, with one more label, loses nothing', async (context) => {
  const { call } = await startForTest(context)
  const before = (await call('GET', incidentPath)).body
  const labels = [...before.properties.labels.map(({ labelName }) => ({ labelName })), { labelName: 'added' }]
  const sent = { etag: before.etag, properties: { ...before.properties, labels } }
  const after = (await call('PUT', incidentPath, sent)).body
  assert.deepEqual(after.properties.labels, [
    { labelName: 'by-hand', labelType: 'User' },
    { labelName: 'by-rule', labelType: 'AutoAssigned' },
    { labelName: 'added', labelType: 'User' },
  ])
  const { labels: _, lastModifiedTimeUtc, ...kept } = after.properties
  const { labels: __, lastModifiedTimeUtc: earlier, ...original } = before.properties
  assert.deepEqual(kept, original)
  assert.ok(lastModifiedTimeUtc > earlier)
  assert.notEqual(after.etag, before.etag)
})

test('read-only properties in a PUT are ignored', async (context) => {
  const { call } = await startForTest(context)
  const before = (await call('GET', incidentPath)).body.properties
  const forged = { ...minimal, incidentNumber: 1, createdTimeUtc: '2000-01-01T00:00:00Z', providerName: 'me' }
  const after = (await call('PUT', incidentPath, { properties: forged })).body.properties
  assert.equal(after.incidentNumber, before.incidentNumber)
  assert.equal(after.createdTimeUtc, before.createdTimeUtc)
  assert.equal(after.providerName, before.providerName)
})

test('title, severity and status are required', async (context) => {
  const { call } = await startForTest(context)
  const cases: [object, RegExp][] = [
    [{ severity: 'Low', status: 'New' }, /'Title' must have a non-empty value/],
    [{ title: 'a', status: 'New' }, /severity must not be empty/],
    [{ title: 'a', severity: 'Low' }, /status must not be empty/],
    [{ ...minimal, status: 'Open' }, /Invalid value 'Open'/],
    [{ ...minimal, description: 'x'.repeat(5_001) }, /too long/],
    [{ ...minimal, labels: [{}] }, /LabelName/],
  ]
  for (const [properties, message] of cases) {
    const { status, body } = await call('PUT', incidentPath, { properties })
    assert.equal(status, 400)
    assert.equal(body.error.code, 'BadRequest')
    assert.match(body.error.message, message)
  }
})

test('tasks and comments move the etag of their incident', async (context) => {
  const { call, sentinel } = await startForTest(context)
  const etags = new Set([sentinel.store.incident(exampleSeed.id).etag])
  const writes: [string, string, unknown?][] = [
    ['PUT', 'tasks/a', { properties: { title: 'a', status: 'New' } }],
    ['PUT', 'tasks/a', { properties: { title: 'a', status: 'New' } }],
    ['PUT', 'comments/c', { properties: { message: 'c' } }],
    ['DELETE', 'comments/c'],
    ['DELETE', 'tasks/a'],
  ]
  for (const [method, child, body] of writes) {
    await call(method, `${incidentPath}/${child}`, body)
    etags.add(sentinel.store.incident(exampleSeed.id).etag)
  }
  const commentId = sentinel.store.addComment(exampleSeed.id, 'By hand.')
  etags.add(sentinel.store.incident(exampleSeed.id).etag)
  assert.equal(etags.size, writes.length + 2)
  assert.equal(sentinel.store.comments(exampleSeed.id)[0]?.name, commentId)
  assert.equal(sentinel.store.incident(exampleSeed.id).properties.additionalData.commentsCount, 1)
})

test('comments: 201, then 200, and more than 30,000 characters are refused', async (context) => {
  const { call, sentinel } = await startForTest(context)
  const put = (message: string) => call('PUT', `${incidentPath}/comments/c`, { properties: { message } })
  assert.equal((await put('x'.repeat(30_000))).status, 201)
  assert.equal((await put('again')).status, 200)
  assert.equal((await put('x'.repeat(30_001))).status, 400)
  assert.deepEqual(
    sentinel.store.comments(exampleSeed.id).map(({ properties }) => properties.message),
    ['again'],
  )
})

test('an incident can be created and deleted', async (context) => {
  const { call, sentinel } = await startForTest(context)
  const path = `${scope}/incidents/new-incident`
  assert.equal((await call('PUT', path, { properties: minimal })).status, 201)
  assert.equal(sentinel.store.incident('new-incident').properties.title, 'Renamed')
  assert.equal((await call('DELETE', path)).status, 200)
  assert.equal((await call('DELETE', path)).status, 204)
})
