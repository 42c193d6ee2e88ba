import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ArmClock } from '../../../deploy/local/sentinel/arm-clock.ts'
import { exampleSeed, incidentPath, scope, startForTest } from './arm-client.ts'

const tasksPath = `${incidentPath}/tasks`
const task = (title: string, status = 'New', description = 'How to do it.') => ({
  properties: { title, description, status },
})

test('the first PUT of a task answers 201, the next 200, and both are counted', async (context) => {
  const { call, sentinel } = await startForTest(context)
  assert.equal((await call('PUT', `${tasksPath}/A1`, task('One'))).status, 201)
  assert.equal((await call('PUT', `${tasksPath}/a1`, task('One'))).status, 200)
  const [witnessed, ...others] = sentinel.store.tasks(exampleSeed.id)
  assert.equal(others.length, 0)
  assert.equal(witnessed?.writes, 2)
  assert.deepEqual(
    sentinel.store.writesOf(exampleSeed.id).map(({ method, path, body }) => ({ method, path, body })),
    [
      { method: 'PUT', path: `${tasksPath}/A1`, body: task('One') },
      { method: 'PUT', path: `${tasksPath}/a1`, body: task('One') },
    ],
  )
})

test('replacing a task opens one that the analyst had completed: the trap for careless clients', async (context) => {
  const { call, sentinel } = await startForTest(context)
  const first = (await call('PUT', `${tasksPath}/t`, task('One'))).body
  sentinel.store.completeTask(exampleSeed.id, 't')
  assert.equal((await call('GET', `${tasksPath}/t`)).body.properties.status, 'Completed')
  const again = (await call('PUT', `${tasksPath}/t`, { properties: { title: 'Two', status: 'New' } })).body
  assert.equal(again.properties.status, 'New')
  assert.equal(again.properties.title, 'Two')
  assert.equal(again.properties.description, undefined)
  assert.equal(again.properties.createdTimeUtc, first.properties.createdTimeUtc)
  assert.notEqual(again.properties.lastModifiedTimeUtc, first.properties.lastModifiedTimeUtc)
})

test('a list gives the tasks in creation order, page by page', async (context) => {
  const { call, sentinel } = await startForTest(context, { taskPageSize: 3 })
  const names = ['z', 'm', 'a', 'q', 'b', 'y', 'c']
  for (const name of names) await call('PUT', `${tasksPath}/${name}`, task(name))
  await call('PUT', `${tasksPath}/z`, task('again'))
  const pages: string[][] = []
  let next: string | undefined = tasksPath
  while (next) {
    const { body } = await call('GET', next)
    pages.push(body.value.map(({ name }) => name))
    next = body.nextLink
    assert.ok(next === undefined || next.startsWith(`${sentinel.url}/subscriptions/`))
  }
  assert.deepEqual(pages, [['z', 'm', 'a'], ['q', 'b', 'y'], ['c']])
  assert.deepEqual(
    sentinel.store.tasks(exampleSeed.id).map(({ name }) => name),
    names,
  )
})

test('no two times are equal, however fast they follow each other', () => {
  const clock = new ArmClock()
  const times = Array.from({ length: 25_000 }, () => clock.now())
  assert.equal(new Set(times).size, times.length)
  assert.deepEqual(times, times.toSorted())
})

test('a task needs a title and a status, within the limits', async (context) => {
  const { call, sentinel } = await startForTest(context)
  const refused = [
    { properties: { status: 'New' } },
    { properties: { title: 'a' } },
    { title: 'a', status: 'New' },
    task('a', 'Open'),
    task('x'.repeat(151)),
    task('a', 'New', 'x'.repeat(3_001)),
  ]
  for (const body of refused) assert.equal((await call('PUT', `${tasksPath}/t`, body)).status, 400)
  assert.deepEqual(sentinel.store.tasks(exampleSeed.id), [])
  assert.equal((await call('PUT', `${tasksPath}/t`, task('x'.repeat(150), 'New', 'x'.repeat(3_000)))).status, 201)
})

test('the hundred and first task is refused, a replacement is not', async (context) => {
  const { call, sentinel } = await startForTest(context)
  for (let at = 0; at < 100; at += 1) await call('PUT', `${tasksPath}/${at}`, task(`${at}`))
  assert.equal((await call('PUT', `${tasksPath}/one-more`, task('no'))).status, 400)
  assert.equal((await call('PUT', `${tasksPath}/7`, task('yes'))).status, 200)
  assert.equal(sentinel.store.tasks(exampleSeed.id).length, 100)
})

test('the analyst deletes a task, and its id can be written anew', async (context) => {
  const { call, sentinel } = await startForTest(context)
  await call('PUT', `${tasksPath}/t`, task('One'))
  sentinel.store.deleteTask(exampleSeed.id, 'T')
  assert.equal((await call('GET', `${tasksPath}/t`)).status, 404)
  assert.equal((await call('DELETE', `${tasksPath}/t`)).status, 204)
  assert.equal((await call('PUT', `${tasksPath}/t`, task('One'))).status, 201)
})

test('tasks of an unknown incident are 404', async (context) => {
  const { call } = await startForTest(context)
  const path = `${scope}/incidents/nobody/tasks`
  assert.equal((await call('GET', path)).status, 404)
  assert.equal((await call('PUT', `${path}/t`, task('a'))).status, 404)
})
