import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { parseIncidentArmId } from '../../shared/arm-id.ts'
import { filterOf } from '../../worker/backfill/find-missed.ts'
import { check } from '../../worker/commands/check.ts'
import { dlqDiscard } from '../../worker/commands/dlq/move-command.ts'
import { numberOption, rateOption, selectionOf } from '../../worker/commands/dlq/selection-options.ts'
import { dlqShow, portalUrl } from '../../worker/commands/dlq/show.ts'
import { UsageError } from '../../worker/commands/explain-failure.ts'
import { readOperatorConfiguration } from '../../worker/commands/operator-configuration.ts'
import { checkPlaybook } from '../../worker/commands/playbook.ts'
import { run } from '../../worker/commands/run.ts'
import { readIncidentFile } from '../../worker/playbooks/read-incident-file.ts'
import { readIdentity } from '../../worker/preflight/check-identity.ts'

describe('options of the command line', () => {
  it('say what they take when they are wrong', () => {
    for (const wrong of ['fast', '0', '-1/s', '1/day', '']) assert.throws(() => rateOption(wrong), UsageError, wrong)
    for (const wrong of ['0', '1.5', 'many', '-3']) {
      assert.throws(() => numberOption('--limit', wrong, { min: 1, whole: true }), UsageError, wrong)
    }
    assert.throws(() => selectionOf({ sequence: ['x'] }, 0), UsageError)
    assert.throws(() => dlqDiscard({ yes: true }), UsageError, 'what is discarded is exported first')
    assert.throws(() => dlqShow('x', {}), UsageError)
  })
  it('name a file that is there, and an incident by its ARM id', async () => {
    await assert.rejects(checkPlaybook('no-such-playbook', {}), UsageError)
    await assert.rejects(check({ write: 'x' }), UsageError)
    await assert.rejects(run({ idle: '5' }), UsageError)
    await assert.rejects(run({ drain: true, idle: 'soon' }), UsageError)
  })
  it('take a rate per second or per minute', () => {
    assert.deepEqual(['10', '2.5/s', '30/min', ' 60 / m ', undefined].map(rateOption), [10, 2.5, 0.5, 1, undefined])
  })
})

describe("an operator's configuration", () => {
  const connection = { SERVICEBUS_CONNECTION_STRING: 'Endpoint=sb://x;SharedAccessKeyName=a;SharedAccessKey=b' }
  it('needs nothing but the queue to look at dead letters, and what is set is read as the worker reads it', () => {
    const bare = readOperatorConfiguration(connection)
    assert.deepEqual([bare.knowsRuns, bare.state.store], [false, 'memory'])
    const full = readOperatorConfiguration({
      ...connection,
      AZURE_TABLES_URL: 'https://a.table.core.windows.net',
      OPENAI_MODEL: 'm',
    })
    assert.deepEqual([full.knowsRuns, full.state.store, full.model.model], [true, 'table', 'm'])
    assert.throws(() => readOperatorConfiguration({}), /configuration/)
  })
  it('needs the workspaces where incidents are looked for', () => {
    assert.throws(() => readOperatorConfiguration(connection, { sentinel: true }), /configuration/)
  })
})

describe('what Sentinel is asked for', () => {
  it('is a filter over times, status and severity; all severities need none', () => {
    const query = { since: 0, until: 60_000, severities: ['High', 'Low'], statuses: ['New'] }
    assert.equal(
      filterOf(query),
      "properties/createdTimeUtc ge 1970-01-01T00:00:00.000Z and properties/createdTimeUtc lt 1970-01-01T00:01:00.000Z and (properties/status eq 'New') and (properties/severity eq 'High' or properties/severity eq 'Low')",
    )
    const all = ['High', 'Medium', 'Low', 'Informational']
    assert.ok(!filterOf({ ...query, severities: all }).includes('severity'))
  })
})

describe("an incident's page in the portal", () => {
  const incident = parseIncidentArmId(
    '/subscriptions/s/resourceGroups/g/providers/Microsoft.OperationalInsights/workspaces/w/providers/Microsoft.SecurityInsights/Incidents/i',
  )
  it('is in the portal of the same cloud', () => {
    assert.ok(incident)
    const hosts = [
      'https://management.azure.com',
      'https://management.usgovcloudapi.net',
      'https://management.chinacloudapi.cn',
    ]
    assert.deepEqual(
      hosts.map((host) => new URL(portalUrl(incident, host)).hostname),
      ['portal.azure.com', 'portal.azure.us', 'portal.azure.cn'],
    )
  })
})

describe('an incident in a file', () => {
  const incident = { id: 'x', properties: { title: 't', severity: 'High', status: 'New' } }
  it("is found as the API answers it, in a trigger's body, and with its alerts and entities beside it or inside", () => {
    for (const file of [incident, { object: incident }, { headers: {}, body: { object: incident } }, { incident }]) {
      assert.equal(readIncidentFile(`\uFEFF${JSON.stringify(file)}`)?.incident.properties.title, 't')
    }
    const beside = readIncidentFile(
      JSON.stringify({ incident, alerts: [{ properties: { description: 'a' } }], entities: [{ kind: 'Ip' }] }),
    )
    const inside = readIncidentFile(
      JSON.stringify({
        ...incident,
        properties: { ...incident.properties, alerts: [{ properties: {} }], relatedEntities: [{ kind: 'Ip' }] },
      }),
    )
    for (const found of [beside, inside]) assert.deepEqual([found?.alerts.length, found?.entities.length], [1, 1])
  })
  it('is none in anything else', () => {
    for (const text of ['', 'null', '[]', '{"object":null}', '{"properties":{}}'])
      assert.equal(readIncidentFile(text), undefined)
  })
})

describe('the identity in a token', () => {
  it('is read from its claims; a token without any says nothing, and fails nothing', () => {
    const claims = Buffer.from(JSON.stringify({ oid: 'o', appid: 'a', tid: 't' })).toString('base64url')
    assert.deepEqual(readIdentity(`x.${claims}.y`), { objectId: 'o', clientId: 'a', tenantId: 't', user: undefined })
    for (const opaque of ['', 'opaque', 'a.b.c']) assert.equal(readIdentity(opaque).objectId, undefined)
  })
})
