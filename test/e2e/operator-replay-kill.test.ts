import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { europeWorkspace } from '../../deploy/local/sentinel/workspaces.ts'
import type { Broker } from '../../deploy/local/service-bus/broker.ts'
import type { QueueEvents } from '../../deploy/local/service-bus/queue-events.ts'
import { type Stack, startStack } from '../../deploy/local/start-stack.ts'
import { useBundledWorker } from '../harness/bundled-worker.ts'
import { CommandProcess, type CommandResult } from '../harness/command.ts'
import { byMessageId, incidentGuid, type LetterSeed, makeDeadLetters, workersLetter } from '../harness/dead-letters.ts'
import { WorkerProcess } from '../harness/worker-process.ts'

const selected = 500
const bystanders = 50
const dlq = 'incidents/$DeadLetterQueue'

/** A step of the replay at which it is killed: the `count`-th time that the broker sees the event. */
interface Step {
  name: string
  event: keyof QueueEvents
  matches(event: { queue: string; outcome?: string }): boolean
  count: number
  /** With a rate the wanted ones are swept aside first; at full speed the bystanders are passed by. */
  pace: 'rate' | 'full speed'
}

const settledAs = (outcome: string, count: number, pace: Step['pace']): Step => ({
  name: `${count} ${outcome} at ${pace}`,
  pace,
  event: 'settled',
  matches: (event) => event.queue === dlq && event.outcome === outcome,
  count,
})
const copied = (count: number, pace: Step['pace']): Step => ({
  name: `${count} copies stored at ${pace}`,
  pace,
  event: 'enqueued',
  matches: (event) => event.queue === 'incidents',
  count,
})

/** At full speed first, then with a rate: the sweep sets aside and ends, then copies are sent and originals completed. */
const steps: Step[] = [
  {
    name: 'the first is taken',
    event: 'delivered',
    matches: (event) => event.queue === dlq,
    count: 1,
    pace: 'full speed',
  },
  copied(1, 'full speed'),
  settledAs('completed', 60, 'full speed'),
  settledAs('deferred', 100, 'rate'),
  settledAs('abandoned', 10, 'rate'),
  copied(1, 'rate'),
  settledAs('completed', 30, 'rate'),
]

describe('a replay that is killed at every step over 500 dead letters', { timeout: 170_000, concurrency: 2 }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'replay-kill-'))
  before(useBundledWorker)
  after(() => rmSync(folder, { recursive: true }))

  /** Time passes until the locks of a killed run have ended. */
  function endLocks(broker: Broker): void {
    const { deadLettered, deferred } = broker.inspect('incidents')
    for (const { sequenceNumber } of [...deadLettered, ...deferred])
      broker.faults.expireLock(sequenceNumber, 'incidents')
  }

  /** Runs the same command until it ends by itself, killing it at each step in turn. */
  async function killAtEveryStep(broker: Broker, environment: Record<string, string>): Promise<CommandResult> {
    const command = ['dlq', 'replay', '--reason', 'AttemptsExhausted', '--yes', '--ramp', '0.05', '--json']
    for (const step of steps) {
      const rate = step.pace === 'rate' ? ['--rate', '1000/s'] : []
      const process = new CommandProcess(environment, ...command, ...rate)
      let seen = 0
      const onEvent = (event: { queue: string; outcome?: string }) => {
        if (step.matches(event) && ++seen === step.count) process.child.kill('SIGKILL')
      }
      broker.events.on(step.event, onEvent as never)
      const { code, stderr } = await process.result
      broker.events.off(step.event, onEvent as never)
      assert.equal(code, null, `it was not killed at "${step.name}": ${stderr}`)
      endLocks(broker)
    }
    for (;;) {
      const result = await new CommandProcess(environment, ...command).result
      if (result.code === 0) return result
      assert.equal(result.code, 1, result.stderr)
      endLocks(broker)
    }
  }

  for (const duplicateDetection of [true, false]) {
    it(`loses none, doubles none in effect and leaves the others untouched ${duplicateDetection ? 'with' : 'without'} duplicate detection`, async () => {
      const stack = await startStack({
        sentinelThrottle: false,
        seeds: [],
        queue: { duplicateDetectionWindowMs: duplicateDetection ? 600_000 : 0 },
      })
      const { broker } = stack
      const letters: LetterSeed[] = Array.from({ length: selected }, (_, number) => workersLetter(number))
      for (let number = 0; number < bystanders; number++) {
        const other = { message: { body: { order: number }, messageId: `order-${number}` }, reason: 'Theirs' }
        letters.splice(number * 11, 0, other)
      }
      await makeDeadLetters(broker, 'incidents', letters)
      const untouched = byMessageId(
        broker.inspect('incidents').deadLettered.filter((one) => one.messageId.startsWith('order')),
      )

      const environment = { ...stack.environment, XDG_STATE_HOME: join(folder, String(duplicateDetection)) }
      const outcome = JSON.parse((await killAtEveryStep(broker, environment)).stdout) as { moved: number }
      assert.ok(outcome.moved > 0)

      const { active, deadLettered, deferred } = broker.inspect('incidents')
      const ids = new Set(active.map((one) => one.messageId))
      assert.deepEqual(
        [...ids].sort(),
        letters
          .flatMap((_, number) => (number < selected ? [`${incidentGuid(number)}:recommended-steps~r1`] : []))
          .sort(),
        'every one is on the queue, under the one id that belongs to it',
      )
      if (duplicateDetection) assert.equal(active.length, selected, 'and none is there twice')
      assert.equal(deferred.length, 0)
      assert.equal(deadLettered.length, bystanders)
      for (const now of deadLettered) {
        const { deliveryCount, lockedUntil: _, ...then } = untouched.get(now.messageId) ?? assert.fail(now.messageId)
        // A lock that ended with its killed holder counts as a delivery; nothing else may change.
        assert.ok(now.deliveryCount >= deliveryCount)
        assert.deepEqual(
          { ...now, deliveryCount, lockedUntil: undefined },
          { ...then, deliveryCount, lockedUntil: undefined },
        )
      }

      if (!duplicateDetection) {
        const counts = Map.groupBy(active, (one) => one.messageId)
        const twice = [...counts].filter(([, copies]) => copies.length > 1).map(([id]) => id.split(':')[0] ?? '')
        assert.ok(twice.length > 0, 'no kill fell between a copy and its journal line: the proof proves nothing')
        await provesSingleInEffect(stack, twice.slice(0, 30))
      }
      await stack.close()
    })
  }

  /** Lets a worker take everything; of the incidents that Sentinel has, each gets its tasks written once. */
  async function provesSingleInEffect(stack: Stack, incidents: string[]): Promise<void> {
    for (const id of incidents) {
      stack.sentinel.store.addIncident({
        id,
        workspace: europeWorkspace,
        title: 'Password spray',
        description: 'One password each was tried against 212 accounts.',
        severity: 'High',
      })
    }
    const settings = { SENTINEL_WRITES_PER_SECOND: '5000', CONCURRENCY: '40', LOG_LEVEL: 'warn' }
    const worker = new WorkerProcess({ ...stack.environment, ...settings }, 'run', '--drain', '--idle', '0.5')
    assert.equal(await worker.exited, 0, worker.stderr)
    assert.equal(stack.broker.inspect('incidents').active.length, 0)
    for (const id of incidents) {
      const writes = stack.sentinel.store.tasks(id).map((task) => task.writes)
      assert.deepEqual(writes, [1, 1, 1], `the tasks of ${id}`)
    }
  }
})
