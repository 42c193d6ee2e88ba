import assert from 'node:assert/strict'
import { after, type TestContext, test } from 'node:test'
import { DefaultAzureCredential, ManagedIdentityCredential } from '@azure/identity'
import { type IdentityOptions, type IdentityServer, startIdentity } from '../../../deploy/local/identity/server.ts'

/** The SDK keeps tokens per process, identity and resource: each test asks for a resource of its own. */
let resources = 0
function newResource(): string {
  resources += 1
  return `https://resource-${resources}.example`
}

/** The SDK remembers the first endpoint that a process meets, so its tests share one. */
const shared = await startIdentity({ expiresInSeconds: 7_200 })
Object.assign(process.env, shared.environment)
after(() => shared.close())

async function startForTest(context: TestContext, options?: IdentityOptions): Promise<IdentityServer> {
  const identity = await startIdentity(options)
  context.after(() => identity.close())
  return identity
}

async function ask(identity: IdentityServer, query: string, header = identity.environment.IDENTITY_HEADER) {
  const response = await fetch(`${identity.environment.IDENTITY_ENDPOINT}?${query}`, {
    headers: { 'x-identity-header': header, connection: 'close' },
  })
  return { status: response.status, body: (await response.json()) as Record<string, unknown> }
}

test('ManagedIdentityCredential gets a token that the endpoint recognises, for the resource it asked for', async () => {
  const resource = newResource()
  const { token, expiresOnTimestamp } = await new ManagedIdentityCredential().getToken(`${resource}/.default`)
  assert.ok(shared.accepts(token))
  assert.ok(shared.accepts(token, resource))
  assert.ok(!shared.accepts(token, 'https://management.azure.com'))
  assert.ok(Math.abs(expiresOnTimestamp - Date.now() - 7_200_000) < 5_000)
  assert.deepEqual(
    shared.issued.map((issued) => [issued.token, issued.resource]),
    [[token, resource]],
  )
})

test('DefaultAzureCredential finds the endpoint, and a user-assigned identity is passed on', async () => {
  const managedIdentityClientId = '66666666-7777-4888-8999-000000000000'
  const credential = new DefaultAzureCredential({ managedIdentityClientId })
  const { token } = await credential.getToken(`${newResource()}/.default`)
  assert.ok(shared.accepts(token))
  assert.equal(shared.issued.at(-1)?.clientId, managedIdentityClientId)
})

test('a failing endpoint fails the credential, and a later call succeeds', async () => {
  const scope = `${newResource()}/.default`
  const credential = new ManagedIdentityCredential()
  // Not a 500: the SDK would try that again by itself.
  shared.faults.fail(400, 1)
  await assert.rejects(credential.getToken(scope), /ManagedIdentityCredential/)
  assert.ok(shared.accepts((await credential.getToken(scope)).token))
  shared.faults.fail(500, 99)
  shared.faults.clear()
  assert.equal((await ask(shared, `resource=${scope}&api-version=2019-08-01`)).status, 200)
})

test('tokens have the shape of a JWT, differ each time, expire, and cannot be forged', async (context) => {
  const identity = await startForTest(context)
  const query = `resource=${newResource()}&api-version=2019-08-01`
  const first = String((await ask(identity, query)).body.access_token)
  const second = String((await ask(identity, query)).body.access_token)
  assert.match(first, /^[\w-]+\.[\w-]+\.[\w-]{80,}$/)
  assert.notEqual(first, second)
  assert.ok(!identity.accepts(`${first.slice(0, -2)}AA`))
  assert.ok(!identity.accepts(''))

  const shortLived = await startForTest(context, { expiresInSeconds: 0 })
  const expired = (await ask(shortLived, query)).body
  assert.equal(typeof expired.expires_on, 'string')
  assert.ok(!shortLived.accepts(String(expired.access_token)))
})

test('requests without the secret, the version, the resource or a known identity are refused', async (context) => {
  const identity = await startForTest(context, { clientId: '66666666-7777-4888-8999-000000000000' })
  const good = 'resource=https://r.example&api-version=2019-08-01'
  assert.equal((await ask(identity, good, 'guess')).status, 401)
  assert.equal((await ask(identity, 'resource=https://r.example')).status, 400)
  assert.equal((await ask(identity, 'api-version=2019-08-01')).status, 400)
  const unknown = await ask(identity, `${good}&client_id=11111111-2222-4333-8444-555555555555`)
  assert.equal(unknown.status, 400)
  assert.equal(unknown.body.statusCode, 400)
  assert.equal(typeof unknown.body.message, 'string')
  assert.deepEqual(identity.issued, [])
})
