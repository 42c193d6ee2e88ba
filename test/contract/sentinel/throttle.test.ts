import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ArmError } from '../../../deploy/local/sentinel/arm-error.ts'
import { createThrottle } from '../../../deploy/local/sentinel/throttle.ts'
import { cloudWorkspace, europeWorkspace } from '../../../deploy/local/sentinel/workspaces.ts'
import { exampleSeed, incidentPath, startForTest } from './arm-client.ts'

const caller = { objectId: 'o', appId: 'a' }
const subscription = europeWorkspace.subscriptionId

function takeAll(take: () => unknown): { taken: number; refusal: ArmError } {
  for (let taken = 0; taken < 10_000; taken += 1) {
    try {
      take()
    } catch (error) {
      assert.ok(error instanceof ArmError)
      return { taken, refusal: error }
    }
  }
  throw new Error('never refused')
}

test('reads burst to 250 and refill 25 a second, writes and deletes to 200 and 10', () => {
  let now = 0
  const throttle = createThrottle(true, () => now)
  const reads = () => takeAll(() => throttle.take('GET', subscription, caller)).taken
  const writes = () => takeAll(() => throttle.take('PUT', subscription, caller)).taken
  const deletes = () => takeAll(() => throttle.take('DELETE', subscription, caller)).taken
  assert.deepEqual([reads(), writes(), deletes()], [250, 200, 200])
  now += 2_000
  assert.deepEqual([reads(), writes(), deletes()], [50, 20, 20])
  now += 3_600_000
  assert.deepEqual([reads(), writes(), deletes()], [250, 200, 200])
})

test('a client that waits as long as Retry-After says gets through', () => {
  let now = 0
  const throttle = createThrottle(true, () => now)
  const { refusal } = takeAll(() => throttle.take('PUT', subscription, caller))
  assert.equal(refusal.status, 429)
  assert.equal(refusal.code, 'SubscriptionRequestsThrottled')
  now += Number(refusal.headers['Retry-After']) * 1000
  throttle.take('PUT', subscription, caller)
})

test('subscriptions and identities have buckets of their own', () => {
  const throttle = createThrottle(true, () => 0)
  takeAll(() => throttle.take('PUT', subscription, caller))
  throttle.take('PUT', cloudWorkspace.subscriptionId, caller)
  throttle.take('PUT', subscription, { ...caller, objectId: 'other' })
})

test('over HTTP: a POST counts as a write, the rest is announced, and a refused write is not applied', async (context) => {
  const { call, sentinel } = await startForTest(context, { throttle: true })
  const first = await call('POST', `${incidentPath}/alerts`)
  assert.equal(first.headers['x-ms-ratelimit-remaining-subscription-writes'], '199')
  const read = await call('GET', incidentPath)
  assert.equal(read.headers['x-ms-ratelimit-remaining-subscription-reads'], '249')
  const body = { properties: { title: 'a', status: 'New' } }
  const answers = await Promise.all(Array.from({ length: 300 }, () => call('PUT', `${incidentPath}/tasks/t`, body)))
  const refused = answers.filter(({ status }) => status === 429)
  assert.ok(refused.length > 0)
  assert.equal(refused[0]?.headers['retry-after'], '1')
  assert.equal(refused[0]?.headers['x-ms-ratelimit-remaining-subscription-writes'], '0')
  assert.equal(sentinel.store.tasks(exampleSeed.id)[0]?.writes, 300 - refused.length)
})
