import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { startIdentity } from '../../../deploy/local/identity/server.ts'
import { localSeeds, openIncidents } from '../../../deploy/local/sentinel/seeds/local-seeds.ts'
import { europeWorkspace } from '../../../deploy/local/sentinel/workspaces.ts'
import { startForTest } from './arm-client.ts'

test('the unmodified SDK, with a managed identity, reads, writes, meets a conflict and pages through a list', async (context) => {
  const identity = await startIdentity()
  context.after(() => identity.close())
  const client = await startForTest(context, { seeds: localSeeds, acceptToken: (bearer) => identity.accepts(bearer) })
  const { subscriptionId, resourceGroup, workspace } = europeWorkspace
  const ofEurope = openIncidents.filter((seed) => seed.workspace === europeWorkspace)
  const incident = ofEurope[0]
  assert.ok(incident)

  const session = [join(import.meta.dirname, 'sdk-session.ts'), client.sentinel.url]
  const { stdout } = await promisify(execFile)(
    process.execPath,
    [...session, subscriptionId, resourceGroup, workspace, incident.id],
    { env: { ...process.env, ...identity.environment, NODE_EXTRA_CA_CERTS: client.certificateFile } },
  )
  const { listed, ...seen } = JSON.parse(stdout)
  assert.deepEqual(seen, {
    title: incident.title,
    etagMoved: true,
    labels: [
      { labelName: 'vpn', labelType: 'User' },
      { labelName: 'from-sdk', labelType: 'User' },
    ],
    stale: [409, 'Conflict'],
    alerts: incident.alerts?.length,
    entities: incident.entities?.length,
    comment: 'From the SDK.',
  })
  assert.deepEqual(listed.sort(), ofEurope.map(({ id }) => id).sort())
  assert.equal(client.sentinel.store.incident(incident.id).properties.description, incident.description)
  assert.deepEqual(
    identity.issued.map(({ resource }) => resource),
    ['https://management.azure.com'],
  )
})
