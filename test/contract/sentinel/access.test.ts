import assert from 'node:assert/strict'
import { test } from 'node:test'
import { foreignIncident } from '../../../deploy/local/sentinel/seeds/local-seeds.ts'
import { europeWorkspace, foreignWorkspace } from '../../../deploy/local/sentinel/workspaces.ts'
import { exampleSeed, incidentPath, scope, startForTest } from './arm-client.ts'

test('without a token, or with one that is not accepted, the answer is 401 and says how to get one', async (context) => {
  const { call } = await startForTest(context, { acceptToken: (bearer) => bearer === 'good' })
  for (const authorization of ['', 'Basic abc', 'Bearer bad']) {
    const { status, headers, body } = await call('GET', incidentPath, undefined, { authorization })
    assert.equal(status, 401)
    assert.match(headers['www-authenticate'] ?? '', /^Bearer /)
    assert.match(body.error.code, /^(AuthenticationFailed|InvalidAuthenticationToken)$/)
  }
  assert.equal((await call('GET', incidentPath, undefined, { authorization: 'Bearer good' })).status, 200)
})

test('only the api-version 2025-09-01 is served', async (context) => {
  const { call } = await startForTest(context)
  const missing = await call('GET', `${incidentPath}?api-version=`)
  assert.deepEqual([missing.status, missing.body.error.code], [400, 'MissingApiVersionParameter'])
  const other = await call('GET', `${incidentPath}?api-version=2022-09-01-preview`)
  assert.deepEqual([other.status, other.body.error.code], [400, 'NoRegisteredProviderFound'])
})

test('unknown workspaces and incidents are 404, also for an incident that lives elsewhere', async (context) => {
  const { call, sentinel } = await startForTest(context)
  const elsewhere = await call('GET', scope.replace('law-soc-europe', 'law-nowhere').concat('/incidents/a'))
  assert.deepEqual([elsewhere.status, elsewhere.body.error.code], [404, 'ResourceNotFound'])
  const unknown = await call('GET', `${scope}/incidents/00000000-0000-4000-8000-000000000000`)
  assert.deepEqual([unknown.status, unknown.body.error.code], [404, 'NotFound'])
  sentinel.store.addIncident(foreignIncident)
  assert.equal((await call('GET', `${scope}/incidents/${foreignIncident.id}`)).status, 404)
  const foreign = `${foreignWorkspace.armId}/providers/Microsoft.SecurityInsights/incidents/${foreignIncident.id}`
  assert.equal((await call('GET', foreign)).status, 200)
})

test('a workspace without a role is 403 for itself alone, and the answer names principal, action and scope', async (context) => {
  const { call, sentinel } = await startForTest(context, { seeds: [exampleSeed, foreignIncident] })
  const foreign = `${foreignWorkspace.armId}/providers/Microsoft.SecurityInsights/incidents/${foreignIncident.id}`
  sentinel.faults.forbidWorkspace(europeWorkspace.workspace.toUpperCase(), true)
  const claims = { oid: '11111111-2222-4333-8444-555555555555', appid: '66666666-7777-4888-8999-000000000000' }
  const authorization = `Bearer x.${Buffer.from(JSON.stringify(claims)).toString('base64url')}.y`
  const body = { properties: { title: 'a', status: 'New' } }
  const refused = await call('PUT', `${incidentPath}/tasks/t`, body, { authorization })
  assert.deepEqual([refused.status, refused.body.error.code], [403, 'AuthorizationFailed'])
  for (const part of [
    claims.oid,
    claims.appid,
    'Microsoft.SecurityInsights/incidents/tasks/write',
    `${incidentPath}/tasks/t`,
  ]) {
    assert.ok(refused.body.error.message.includes(part), part)
  }
  assert.equal((await call('GET', foreign)).status, 200)
  sentinel.faults.forbidWorkspace(europeWorkspace.workspace, false)
  assert.equal((await call('GET', incidentPath)).status, 200)
})

test('what is no request of this API is refused without harm', async (context) => {
  const { call } = await startForTest(context)
  const cases: [number, string, string, unknown?][] = [
    [404, 'GET', '/subscriptions'],
    [404, 'GET', `${scope}/incidents/${encodeURIComponent(incidentPath)}`],
    [404, 'GET', `${scope}/incidents/%zz`],
    [405, 'PATCH', incidentPath, {}],
    [405, 'POST', `${incidentPath}/tasks`],
    [400, 'PUT', incidentPath, '{"properties":'],
    [400, 'PUT', incidentPath, '[]'],
    [400, 'PUT', incidentPath],
    [413, 'PUT', incidentPath, { properties: { title: 'x'.repeat(1024 * 1024) } }],
  ]
  for (const [expected, method, path, body] of cases) {
    assert.equal((await call(method, path, body)).status, expected, `${method} ${path}`)
  }
  const plain = { 'content-type': 'text/plain' }
  assert.equal((await call('PUT', incidentPath, '{}', plain)).status, 415)
})

test('every answer carries request ids, and returns the client request id', async (context) => {
  const { call } = await startForTest(context)
  const { headers } = await call('GET', incidentPath, undefined, { 'x-ms-client-request-id': 'mine' })
  assert.ok(headers['x-ms-request-id'])
  assert.ok(headers['x-ms-correlation-request-id'])
  assert.equal(headers['x-ms-client-request-id'], 'mine')
})
