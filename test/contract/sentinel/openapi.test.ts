import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { localSeeds } from '../../../deploy/local/sentinel/seeds/local-seeds.ts'
import { createOpenApiCheck } from '../../harness/openapi-check.ts'
import { type AnswerBody, type ArmClient, scope, startForTest } from './arm-client.ts'

const root = join(import.meta.dirname, '../../../../shared/openapi')
const skip = existsSync(root) ? false : `the published OpenAPI description is not at ${root}`

test('every operation of the published API answers as its schema says', { skip }, async (context) => {
  const check = createOpenApiCheck(root)
  const client = await startForTest(context, { seeds: localSeeds, taskPageSize: 1 })
  const seen = new Set<string>()
  const call = checkedCall(client, check, seen)
  const task = { properties: { title: 'Look', description: 'at it', status: 'New' } }
  const relation = { properties: { relatedResourceId: `${scope}/bookmarks/2216d0e1-91e3-4902-89fd-d2df8c535096` } }

  const listed = await call('GET', `${scope}/incidents?$top=5&$orderby=${encodeURIComponent('properties/title asc')}`)
  assert.equal(listed.body.value.length, 5)
  await call('GET', listed.body.nextLink ?? '')
  // One of each kind: with everything, without a description, closed.
  for (const id of [
    'a4000000-5eed-4a00-8000-000000000005',
    'a5000000-5eed-4a00-8000-000000000001',
    'a6000000-5eed-4a00-8000-000000000001',
  ]) {
    const incident = `${scope}/incidents/${id}`
    const { body } = await call('GET', incident)
    await call('PUT', incident, { etag: body.etag, properties: writable(body.properties) })
    for (const list of ['alerts', 'bookmarks', 'entities']) await call('POST', `${incident}/${list}`)
    for (const child of ['tasks/one', 'tasks/two']) await call('PUT', `${incident}/${child}`, task)
    await call('PUT', `${incident}/tasks/one`, task)
    const tasks = await call('GET', `${incident}/tasks`)
    await call('GET', tasks.body.nextLink ?? '')
    await call('GET', `${incident}/tasks/one`)
    await call('PUT', `${incident}/comments/one`, { properties: { message: 'Seen.' } })
    await call('GET', `${incident}/comments/one`)
    await call('GET', `${incident}/comments?$top=10`)
    await call('PUT', `${incident}/relations/one`, relation)
    await call('GET', `${incident}/relations/one`)
    await call('GET', `${incident}/relations`)
    for (const child of ['tasks', 'comments', 'relations']) {
      for (const _ of ['there', 'gone']) await call('DELETE', `${incident}/${child}/one`)
    }
    for (const _ of ['there', 'gone']) await call('DELETE', incident)
    await call('PUT', incident, { properties: writable(body.properties) })
  }
  assert.deepEqual([...seen].sort(), [...check.operations].sort())
})

test('every seeded incident answers as its schema says, with its alerts and entities', { skip }, async (context) => {
  const check = createOpenApiCheck(root)
  const client = await startForTest(context, { seeds: localSeeds })
  const call = checkedCall(client, check, new Set())
  for (const { id } of client.sentinel.store.incidents()) {
    await call('GET', id)
    for (const list of ['alerts', 'bookmarks', 'entities']) await call('POST', `${id}/${list}`)
  }
})

test('a refusal has the published shape of an error', { skip }, async (context) => {
  const check = createOpenApiCheck(root)
  const { call } = await startForTest(context)
  const path = `${scope}/incidents/00000000-0000-4000-8000-000000000000?api-version=2025-09-01`
  const { status, body } = await call('GET', path)
  assert.equal(status, 404)
  assert.deepEqual(check.response('GET', path, status, body), [])
  assert.equal(typeof body.error.code, 'string')
  assert.equal(typeof body.error.message, 'string')
})

test('the check finds what a client gets wrong', { skip }, () => {
  const check = createOpenApiCheck(root)
  const path = `${scope}/incidents/x/tasks/y?api-version=2025-09-01`
  const wrong = (method: string, to: string, body?: unknown) => check.request(method, to, body).join('\n')
  assert.deepEqual(check.request('PUT', path, { properties: { title: 'a', status: 'New' } }), [])
  assert.match(wrong('PUT', path, { properties: { title: 'a' } }), /status/)
  assert.match(wrong('PUT', path, { properties: { title: 'a', status: 'Open' } }), /allowed values: New,Completed/)
  assert.match(wrong('PUT', path, { properties: { title: 'a', status: 'New', descripton: 'b' } }), /descripton/)
  assert.match(wrong('PUT', path), /body/)
  assert.match(wrong('GET', path, { a: 1 }), /takes no body/)
  assert.match(wrong('GET', path.replace('?api-version=2025-09-01', '')), /api-version is missing/)
  assert.match(wrong('GET', `${path}&top=1`), /unknown query parameter top/)
  assert.match(wrong('PATCH', path), /no such operation/)
  assert.match(check.response('GET', path, 200, { properties: { title: 1, status: 'New' } }).join('\n'), /title/)
  assert.match(check.response('GET', path, 202, {}).join('\n'), /202 is not described/)
})

/** Calls, and checks both what is sent and what comes back. */
function checkedCall(
  client: ArmClient,
  check: ReturnType<typeof createOpenApiCheck>,
  seen: Set<string>,
): ArmClient['call'] {
  return async (method, path, body) => {
    const address = new URL(path, client.sentinel.url)
    address.searchParams.set('api-version', '2025-09-01')
    assert.deepEqual(check.request(method, address.href, body), [])
    const answer = await client.call(method, address.href, body)
    assert.deepEqual(check.response(method, address.href, answer.status, answer.body), [])
    assert.ok(answer.status < 300, `${method} ${path}: ${answer.status}`)
    seen.add(check.operationAt(method, address.href) ?? '')
    return answer
  }
}

function writable(properties: AnswerBody['properties']): object {
  const { title, description, severity, status, owner, labels, firstActivityTimeUtc, lastActivityTimeUtc } = properties
  const described = description === undefined ? {} : { description }
  return { title, severity, status, owner, labels, firstActivityTimeUtc, lastActivityTimeUtc, ...described }
}
