import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import { Failure } from '../../shared/failure.ts'
import {
  copyMessageId,
  counterOf,
  decodeIncidentMessage,
  firstMessageId,
  originOf,
} from '../../shared/message-envelope.ts'

const armId =
  '/subscriptions/2fbd672a-2871-4e8b-a15a-37f12239f27e/resourceGroups/rg-soc/providers/Microsoft.OperationalInsights/workspaces/law-soc/providers/Microsoft.SecurityInsights/Incidents/dcdf9819-dbc7-4605-acb6-d6afd37362b9'
const trigger = { objectSchemaType: 'Incident', object: { id: armId, properties: { title: 'x' } } }
const bytes = (text: string) => Buffer.from(text, 'utf8')
const dotNet = (text: string) =>
  Buffer.concat([
    Buffer.from('@\u0006string\u00083http://schemas.microsoft.com/2003/10/Serialization/', 'latin1'),
    Buffer.from([0x9a, text.length & 255, text.length >> 8]),
    bytes(text),
    Buffer.from([1]),
  ])

const bodies: Record<string, unknown> = {
  'plain text': bytes(armId),
  'a JSON string': bytes(JSON.stringify(armId)),
  'an AMQP string value': armId,
  'an object with incidentArmId': bytes(JSON.stringify({ incidentArmId: armId })),
  'an object that the SDK has parsed': { incidentArmId: armId },
  "a trigger's body": bytes(JSON.stringify(trigger)),
  "a trigger's outputs with headers and body": bytes(JSON.stringify({ headers: {}, body: trigger })),
  'a trigger without object.id but with the incidentUrl': bytes(
    JSON.stringify({
      object: {
        properties: {
          incidentUrl: `https://portal.azure.com/#asset/Microsoft_Azure_Security_Insights/Incident${armId}`,
        },
      },
    }),
  ),
  'another case': bytes(armId.toUpperCase().replace('/SUBSCRIPTIONS', '/subscriptions')),
  'surrounded by white space': bytes(`\r\n ${armId}\n`),
}

describe('every message form of the contract names its incident', () => {
  for (const [name, body] of Object.entries(bodies)) {
    it(name, () => assert.equal(decodeIncidentMessage(body).incident, 'dcdf9819-dbc7-4605-acb6-d6afd37362b9'))
    if (!(body instanceof Buffer)) continue
    it(`${name}, with a byte order mark`, () =>
      assert.equal(decodeIncidentMessage(Buffer.concat([bytes('\uFEFF'), body])).workspace.toLowerCase(), 'law-soc'))
    it(`${name}, base64-encoded once more`, () =>
      assert.equal(decodeIncidentMessage(bytes(body.toString('base64'))).key, armId.toLowerCase()))
    it(`${name}, base64-encoded inside a JSON string`, () =>
      assert.equal(decodeIncidentMessage(bytes(JSON.stringify(body.toString('base64')))).key, armId.toLowerCase()))
    it(`${name}, behind the legacy .NET prefix`, () =>
      assert.equal(decodeIncidentMessage(dotNet(body.toString())).key, armId.toLowerCase()))
    it(`${name}, behind the legacy .NET prefix and base64`, () =>
      assert.equal(decodeIncidentMessage(bytes(dotNet(body.toString()).toString('base64'))).key, armId.toLowerCase()))
    it(`${name}, behind the legacy .NET prefix that was read as text`, () =>
      assert.equal(decodeIncidentMessage(dotNet(body.toString()).toString('utf8')).key, armId.toLowerCase()))
  }
})

describe('anything else is an InvalidMessage that tells its form and not its content', () => {
  const secret = 'SECRET-a1b2c3'
  const bad: Record<string, unknown> = {
    nothing: undefined,
    null: null,
    'no bytes': Buffer.alloc(0),
    'a number': 37_664,
    'a number as text': bytes('37664'),
    true: true,
    'a list': bytes('[1]'),
    'broken JSON': bytes(`{"incidentArmId": "${secret}`),
    'another JSON': bytes(JSON.stringify({ secret })),
    'bytes that are no text': Buffer.from([0xff, 0xfe, 0x00, 0x80]),
    prose: bytes(`please enrich ${secret}`),
    "another resource's ARM id": bytes(
      '/subscriptions/s/resourceGroups/r/providers/Microsoft.Compute/virtualMachines/vm',
    ),
    "a workspace's ARM id": bytes(armId.slice(0, armId.indexOf('/providers/Microsoft.SecurityInsights'))),
    'a path that climbs': bytes(armId.replace('rg-soc', '..')),
    'a path with a query': bytes(`${armId}?x=1`),
    'a path with more behind it': bytes(`${armId}/tasks/1`),
    '256 KB of garbage': Buffer.alloc(262_144, 'A'),
    '256 KB of base64 in base64': bytes(Buffer.from(Buffer.alloc(150_000, 'B').toString('base64')).toString('base64')),
    'wrapped many times': bytes(
      Array.from({ length: 8 }).reduce<string>((text) => Buffer.from(text).toString('base64'), armId),
    ),
    'a cut .NET string': dotNet(armId).subarray(0, 80),
  }
  for (const [name, body] of Object.entries(bad)) {
    it(name, () =>
      assert.throws(
        () => decodeIncidentMessage(body),
        (error) => error instanceof Failure && error.reason === 'InvalidMessage' && !error.message.includes(secret),
      ),
    )
  }
})

describe('real trigger payloads', () => {
  const folder = new URL('../../../shared/data/payloads/', import.meta.url)
  const skip = existsSync(folder) ? false : 'the sample payloads are not here (../shared/data/payloads)'
  it('are understood where their author left the id in, and refused with a sentence where not', { skip }, () => {
    const results = readdirSync(folder).map((file) => {
      const payload = JSON.parse(readFileSync(new URL(file, folder), 'utf8')) as Record<string, unknown>
      delete payload._source
      try {
        return `${file}: ${decodeIncidentMessage(bytes(JSON.stringify(payload))).incident}`
      } catch (error) {
        assert.ok(error instanceof Failure && error.reason === 'InvalidMessage')
        return `${file}: ${error.reason}`
      }
    })
    assert.deepEqual(results.sort(), [
      'logicappsux-5007-redacted.json: InvalidMessage',
      'manual-incident-no-alerts.json: 22d80f17-3e6d-49a7-8cc4-ad88fc708c95',
      'security-copilot-workshop-sap-malicious-ip.json: 2483d213-ea73-45c2-951c-437c3a61e43b',
      // Its author wrote <REDACTED_SUBSCRIPTION_ID> into the path.
      'soc-lab-triggeroutputs-excerpt.json: InvalidMessage',
    ])
  })
})

describe('message ids', () => {
  it('carry the origin through copies and replays', () => {
    const first = firstMessageId('73e0', 'recommended-steps')
    assert.equal(first, '73e0:recommended-steps')
    assert.equal(copyMessageId(originOf(first, undefined), 3), '73e0:recommended-steps~c3')
    assert.equal(originOf('73e0:recommended-steps~c3', undefined), first)
    assert.equal(originOf('73e0:recommended-steps~r1~c2', undefined), first)
    assert.equal(originOf('whatever', first), first)
    assert.equal(originOf(undefined, undefined), '')
  })
  it('read counters as whole numbers and nothing else', () => {
    assert.deepEqual([3, 3n, '3', -1, 1.5, Number.NaN, undefined, 1e12].map(counterOf), [3, 3, 0, 0, 0, 0, 0, 0])
  })
})
