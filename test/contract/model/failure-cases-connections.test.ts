import assert from 'node:assert/strict'
import dns from 'node:dns'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import { createLocalCertificate } from '../../../deploy/local/certificate.ts'
import type { Fault } from '../../../deploy/local/model/fault.ts'
import { assertChargedOnce, type FailureCase, startCase, testCases } from './failure-case.ts'

/**
 * Cases 9 to 16. What fails for everybody is an outage: two immediate retries, one where the
 * call may have been paid, then a delayed copy that uses up no attempt.
 * Charged is what was answered, and the estimate where the answer was lost on its way.
 */
const laterForFree = { deferMs: 1_000, attempt: 0 } as const
const firstRetries = [250, 500]
/** Faults that pass, and the same that stay. */
function passingAndStaying(name: string, fault: Fault, more: Partial<FailureCase> = {}): FailureCase[] {
  return [
    { name: `${name}: once`, faults: [fault], requests: 2, waitsMs: [250], ends: 'answered', ...more },
    { name: `${name}: always`, always: fault, requests: 3, waitsMs: firstRetries, ends: laterForFree, ...more },
  ]
}
function lostOnTheWay(name: string, fault: Fault): FailureCase[] {
  const [once, always] = passingAndStaying(name, fault)
  return once && always ? [once, { ...always, requests: 2, waitsMs: [250] }] : []
}

testCases([
  ...passingAndStaying('case 9: a 500', { kind: 'serverError', status: 500 }),
  ...passingAndStaying('case 9: a 502 whose body is a page', { kind: 'serverError', status: 502, html: true }),
  ...passingAndStaying('case 9: a 504 from Azure', { kind: 'serverError', status: 504 }, { dialect: 'azure' }),
  {
    name: 'case 10: an overload with Retry-After is waited out',
    faults: [{ kind: 'overloaded', retryAfterSeconds: 4 }],
    requests: 2,
    waitsMs: [4_000],
    ends: 'answered',
  },
  {
    name: 'case 10: an overload that asks for a minute becomes a delayed copy of a minute',
    faults: [{ kind: 'overloaded', retryAfterSeconds: 60 }],
    requests: 1,
    ends: { deferMs: 60_000, attempt: 0 },
    code: 'server_is_overloaded',
  },
  ...passingAndStaying('case 10: a 529', { kind: 'overloaded', status: 529 }),
  {
    name: 'case 10: "high demand" as Azure\'s 429 holds the fleet like any 429',
    dialect: 'azure',
    faults: [{ kind: 'overloaded', status: 429 }],
    requests: 2,
    waitsMs: [10_000],
    ends: 'answered',
    blockedMs: 10_000,
    share: 0.85,
  },
  ...passingAndStaying('case 11: a connection that is reset before the answer', { kind: 'reset' }),
  {
    name: 'case 12: no answer in time is asked again, and its estimate is charged',
    timeoutMs: 500,
    faults: [{ kind: 'stallBeforeHeaders', ms: 60_000 }],
    requests: 2,
    waitsMs: [250],
    ends: 'answered',
  },
  {
    name: 'case 12: no answer in time, always: each call is charged its estimate once, and only two are made',
    timeoutMs: 250,
    always: { kind: 'stallBeforeHeaders', ms: 60_000 },
    requests: 2,
    waitsMs: [250],
    ends: laterForFree,
    code: 'Timeout',
  },
  {
    name: 'case 13: a body that stalls is the same as no answer in time',
    timeoutMs: 500,
    faults: [{ kind: 'stallBody', ms: 60_000 }],
    requests: 2,
    waitsMs: [250],
    ends: 'answered',
  },
  ...lostOnTheWay('case 14: a connection lost within the body is charged its estimate', { kind: 'truncateBody' }),
  ...lostOnTheWay('case 15: JSON that ends too early is charged its estimate', { kind: 'malformedJson' }),
  ...passingAndStaying('case 16: a page with 200 comes from no model: not charged', { kind: 'htmlPage' }),
  ...lostOnTheWay('case 16: an empty 200 is charged its estimate', { kind: 'emptyBody' }),
  ...passingAndStaying('case 16: an error with 200 is an error: not charged', { kind: 'errorInside200' }),
  ...lostOnTheWay('case 16: a completion without choices is charged its estimate', { kind: 'noChoices' }),
])

for (const fault of [{ kind: 'overloaded' }, { kind: 'htmlPage' }] as const) {
  test(`cases 10 and 16: five times ${fault.kind} in a row open the circuit, and a sixth call is not made`, async (t) => {
    const { attempt, model } = await startCase(t)
    model.faults.always(fault)
    const first = await attempt()
    const second = await attempt()
    assert.deepEqual([first.requests.length, second.requests.length], [3, 2])
    assert.deepEqual(
      second.outcome.outcome === 'deferred' && [second.outcome.delayMs, second.outcome.attempt],
      [1_000, 0],
    )
    assert.equal(second.circuits.intake, 'none')
    assertChargedOnce(second)
  })
}

test('case 11: a connection that is refused is tried again at once, and nothing is charged', async (t) => {
  const { attempt, model } = await startCase(t)
  model.faults.next({ kind: 'refuseConnection' })
  const result = await attempt()
  assert.equal(result.outcome.outcome, 'enriched')
  assert.deepEqual(result.waitsMs, [250])
  assertChargedOnce(result)
})

test('case 11: a name that does not resolve does not heal in seconds: no retry, the circuit opens, nothing is charged', async (t) => {
  const { attempt } = await startCase(t, { baseUrl: 'http://model.invalid/v1' })
  t.mock.method(dns, 'lookup', (name: string, _: unknown, done: (error: Error) => void) =>
    done(Object.assign(new Error(`getaddrinfo ENOTFOUND ${name}`), { code: 'ENOTFOUND' })),
  )
  assertConfigurationOutage(await attempt(), 'ENOTFOUND')
})

test('case 11: nor does a certificate that is not trusted', async (t) => {
  const certificate = await createLocalCertificate()
  t.after(() => certificate.dispose())
  const server = createServer({ key: certificate.key, cert: certificate.cert })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.after(() => server.close())
  const { port } = server.address() as AddressInfo
  const { attempt } = await startCase(t, { baseUrl: `https://127.0.0.1:${port}/v1` })
  assertConfigurationOutage(await attempt(), 'DEPTH_ZERO_SELF_SIGNED_CERT')
})

function assertConfigurationOutage(
  result: Awaited<ReturnType<Awaited<ReturnType<typeof startCase>>['attempt']>>,
  code: string,
): void {
  assert.equal(result.failure?.code, code)
  assert.deepEqual(result.waitsMs, [])
  assert.ok(result.outcome.outcome === 'deferred' && result.outcome.attempt === 0)
  assert.equal(result.circuits.intake, 'none')
  assertChargedOnce(result)
}
