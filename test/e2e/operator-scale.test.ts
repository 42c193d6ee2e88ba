import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { type Broker, startBroker } from '../../deploy/local/service-bus/broker.ts'
import { runCommand } from '../harness/command.ts'
import { expireIntoDeadLetters, incidentArmId, incidentGuid } from '../harness/dead-letters.ts'

/** The short form of `npm run bench:replay`, which measures 10,000 and memory. The limits are those of a very busy machine. */
const count = 2_000

describe('thousands of dead letters', { timeout: 120_000 }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'operator-scale-'))
  let broker: Broker
  before(async () => {
    broker = await startBroker({
      queues: [{ name: 'incidents', duplicateDetectionWindowMs: 600_000, deadLetterOnExpiration: true }],
    })
    await expireIntoDeadLetters(broker, 'incidents', count, (number) => ({
      body: JSON.stringify({ incidentArmId: incidentArmId(number), pad: 'x'.repeat(1_000) }),
      messageId: `${incidentGuid(number)}:recommended-steps`,
      applicationProperties: { 'enricher-dependency': number % 2 ? 'model' : 'sentinel' },
    }))
  })
  after(async () => {
    await broker.close()
    rmSync(folder, { recursive: true })
  })
  const dlq = (...args: string[]) =>
    runCommand({ SERVICEBUS_CONNECTION_STRING: broker.connectionString, XDG_STATE_HOME: folder }, 'dlq', ...args)

  it('are listed within seconds, and replayed by hundreds a second, with bystanders between and without', async () => {
    const startedAt = performance.now()
    const listed = JSON.parse((await dlq('list', '--json')).stdout) as { total: number }
    const listMs = performance.now() - startedAt
    assert.equal(listed.total, count)
    assert.ok(listMs < 10_000, `the list took ${Math.round(listMs)} ms`)

    const swept = await dlq('replay', '--dependency', 'model', '--no-ramp', '--yes', '--json')
    assert.equal(swept.code, 0, swept.stderr)
    const rest = await dlq('replay', '--no-ramp', '--yes', '--json')
    assert.equal(rest.code, 0, rest.stderr)
    for (const { stdout } of [swept, rest]) {
      const { moved, seconds } = JSON.parse(stdout) as { moved: number; seconds: number }
      assert.equal(moved, count / 2)
      assert.ok(moved / seconds > 50, `${Math.round(moved / seconds)} per second`)
    }
    assert.equal(broker.inspect('incidents').active.length, count)
  })
})
