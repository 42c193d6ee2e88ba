import assert from 'node:assert/strict'
import { test } from 'node:test'
import { localSeeds, openIncidents } from '../../../deploy/local/sentinel/seeds/local-seeds.ts'
import { europeWorkspace } from '../../../deploy/local/sentinel/workspaces.ts'
import { type AnswerBody, type ArmClient, scope, startForTest } from './arm-client.ts'

const ofEurope = localSeeds.filter(({ workspace }) => workspace.workspace === europeWorkspace.workspace)

async function listAll({ call }: ArmClient, options: Record<string, string>): Promise<AnswerBody[]> {
  const found: AnswerBody[] = []
  let next: string | undefined = `${scope}/incidents?${new URLSearchParams(options)}`
  while (next) {
    const { status, body } = await call('GET', next)
    assert.equal(status, 200, body.error?.message)
    found.push(...body.value)
    next = body.nextLink
  }
  return found
}

test('a list holds the incidents of its workspace alone, each once, over all pages', async (context) => {
  const client = await startForTest(context, { seeds: localSeeds })
  const found = await listAll(client, { $top: '4' })
  assert.deepEqual(found.map(({ name }) => name).sort(), ofEurope.map(({ id }) => id).sort())
})

test('a page is followed by the right one although incidents left the filter in between', async (context) => {
  const client = await startForTest(context, { seeds: localSeeds })
  const filter = encodeURIComponent("properties/status ne 'Closed'")
  const first = (await client.call('GET', `${scope}/incidents?$filter=${filter}&$top=5`)).body
  for (const { name } of first.value) {
    client.sentinel.store.editIncident(name, (properties) => {
      properties.status = 'Closed'
    })
  }
  const second = (await client.call('GET', first.nextLink ?? '')).body
  const all = await listAll(client, { $top: '100', $filter: "properties/status ne 'Closed'" })
  assert.deepEqual(
    second.value.map(({ name }) => name),
    all.slice(0, 5).map(({ name }) => name),
  )
})

test('filters select by comparison, logic and part of a text', async (context) => {
  const client = await startForTest(context, { seeds: localSeeds })
  const count = async ($filter: string) => (await listAll(client, { $filter })).length
  const high = ofEurope.filter(({ severity }) => severity === 'High').length
  const closed = ofEurope.filter(({ status }) => status === 'Closed').length
  const now = new Date().toISOString()
  const hourAgo = new Date(Date.now() - 3_600_000).toISOString()
  const recent = ofEurope.filter(({ ageMinutes = 60 }) => ageMinutes < 60).length
  assert.equal(await count("properties/severity eq 'High'"), high)
  assert.equal(await count("properties/severity ne 'High'"), ofEurope.length - high)
  assert.equal(await count("not (properties/severity eq 'High')"), ofEurope.length - high)
  assert.equal(await count("properties/status eq 'Closed' or properties/severity eq 'High'"), high + closed)
  assert.equal(await count("properties/status eq 'New' and (properties/severity eq 'x' or properties/title eq 'y')"), 0)
  assert.equal(await count(`properties/createdTimeUtc ge ${hourAgo}`), recent)
  assert.equal(
    await count(`properties/lastModifiedTimeUtc lt ${now} and properties/createdTimeUtc gt ${hourAgo}`),
    recent,
  )
  assert.equal(await count("contains(properties/title, 'ransomware')"), 1)
  assert.equal(await count('properties/incidentNumber le 0'), 0)
})

test('an order is kept over pages', async (context) => {
  const client = await startForTest(context, { seeds: localSeeds })
  const byTitle = await listAll(client, { $orderby: 'properties/title desc', $top: '3' })
  const titles = byTitle.map(({ properties }) => properties.title)
  assert.deepEqual(titles, titles.toSorted().reverse())
  const newestFirst = await listAll(client, {})
  const times = newestFirst.map(({ properties }) => properties.createdTimeUtc)
  assert.deepEqual(times, times.toSorted().reverse())
})

test('malformed options are 400', async (context) => {
  const { call } = await startForTest(context)
  for (const query of [
    '$filter=severity',
    "$filter=properties/title eq 'a",
    '$top=0',
    '$top=1001',
    '$orderby=a b c',
    '$skipToken=x',
  ]) {
    assert.equal((await call('GET', `${scope}/incidents?${query}`)).status, 400, query)
  }
})

test('the seeds are what the demo promises', () => {
  assert.ok(openIncidents.length >= 40)
  assert.equal(new Set(localSeeds.map(({ id }) => id)).size, localSeeds.length)
  assert.equal(new Set(openIncidents.flatMap(({ tactics = [] }) => tactics)).size, 14)
  assert.deepEqual([...new Set(openIncidents.map(({ severity }) => severity))].sort(), [
    'High',
    'Informational',
    'Low',
    'Medium',
  ])
  assert.ok(openIncidents.every(({ status }) => status !== 'Closed'))
  const silent = openIncidents.filter(({ description }) => description === undefined)
  assert.ok(silent.length >= 10)
  assert.equal(silent.filter(({ alerts }) => !alerts).length, 2)
})
