import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, beforeEach, describe, it } from 'node:test'
import { ServiceBusClient } from '@azure/service-bus'
import { type Broker, type MessageView, startBroker } from '../../deploy/local/service-bus/broker.ts'
import { CommandProcess, type CommandResult, runCommand } from '../harness/command.ts'
import { incidentArmId, incidentGuid, makeDeadLetters, workersLetter } from '../harness/dead-letters.ts'

/** Each test has a queue of its own on one broker. */
describe('dead letters on the command line', { timeout: 150_000 }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'operator-dlq-'))
  let broker: Broker
  let client: ServiceBusClient
  let queue = ''
  let number = 0

  before(async () => {
    const names = Array.from({ length: 20 }, (_, index) => ({
      name: `q${index + 1}`,
      duplicateDetectionWindowMs: 600_000,
    }))
    broker = await startBroker({ queues: names })
    client = new ServiceBusClient(broker.connectionString)
  })
  after(async () => {
    await client.close()
    await broker.close()
    rmSync(folder, { recursive: true })
  })
  beforeEach(() => {
    queue = `q${++number}`
  })

  const environment = (state = queue): Record<string, string> => ({
    SERVICEBUS_CONNECTION_STRING: broker.connectionString,
    SERVICEBUS_QUEUE: queue,
    XDG_STATE_HOME: join(folder, state),
  })
  const dlq = (...args: string[]) => runCommand(environment(), 'dlq', ...args)
  const fill = (...seeds: Parameters<typeof makeDeadLetters>[2]) => makeDeadLetters(broker, queue, seeds)
  const json = (result: CommandResult) => JSON.parse(result.stdout) as Record<string, unknown>
  const view = () => broker.inspect(queue)
  /** How each dead letter of the queue was settled, as it happens. */
  const settlementsOfDeadLetters = () => {
    const outcomes: string[] = []
    const path = `${queue}/$DeadLetterQueue`
    broker.events.on('settled', (event) => event.queue === path && outcomes.push(event.outcome))
    return outcomes
  }
  const letterOf = (id: string): MessageView =>
    view().deadLettered.find((one) => one.messageId === id) ?? assert.fail(`there is no ${id}`)

  it('list groups by reason, dependency and code, and its exit code says whether there are any', async () => {
    const none = await dlq('list')
    assert.deepEqual([none.code, none.stdout], [0, `No dead letters in "${queue}".\n`])
    await fill(workersLetter(1, 'AccessDenied', 'AuthorizationFailed'), workersLetter(2), workersLetter(3), {
      message: { body: 'x', messageId: 'theirs' },
      reason: '\u001B[31m',
    })
    const before = view().deadLettered
    const listed = await dlq('list')
    assert.equal(listed.code, 1)
    assert.match(listed.stdout, /^4 dead letters in "q1"\n/)
    assert.match(listed.stdout, /AttemptsExhausted +sentinel +HTTP_503 +2 /)
    assert.match(listed.stdout, /AccessDenied +sentinel +AuthorizationFailed +1 /)
    assert.ok(!listed.stdout.includes('\u001B'), 'a message cannot speak to the terminal')
    for (const line of listed.stdout.split('\n')) assert.ok(line.length <= 80, line)
    const groups = json(await dlq('list', '--json', '--reason', 'attemptsexhausted')).groups as { count: number }[]
    assert.deepEqual(
      groups.map((group) => group.count),
      [2],
    )
    assert.deepEqual(view().deadLettered, before, 'looking changes nothing')
  })

  it('show tells the failure, what to do, the incident, the history, and the command that replays it', async () => {
    await fill(workersLetter(7, 'AccessDenied', 'AuthorizationFailed'))
    const sequence = String(letterOf(`${incidentGuid(7)}:recommended-steps~c3`).sequenceNumber)
    const { code, stdout } = await dlq('show', sequence)
    assert.equal(code, 0)
    for (const part of [
      'AccessDenied: The dependency failed.',
      'role Microsoft Sentinel Responder',
      `https://portal.azure.com/#asset/Microsoft_Azure_Security_Insights/Incident${incidentArmId(7)}`,
      '3 failed attempts, 3 delayed copies, 0 replays',
      `enricher dlq replay --sequence ${sequence}`,
      'enricher-error-code = AuthorizationFailed',
      'sender = logic-app',
    ]) {
      assert.ok(stdout.replace(/\s+/g, ' ').includes(part), part)
    }
    const missing = await dlq('show', '999999')
    assert.deepEqual([missing.code, missing.stdout], [1, ''])
    assert.match(missing.stderr, /999999 is not in "q2"/)
  })

  it('replay moves what is selected and leaves the others exactly as they are; a dry run moves nothing', async () => {
    const theirs = { message: { body: { order: 1 }, messageId: 'order-1', subject: 'order' }, reason: 'Theirs' }
    await fill(workersLetter(1), theirs, workersLetter(2, 'AccessDenied'), workersLetter(3))
    const before = view().deadLettered
    const dry = await dlq('replay', '--reason', 'AttemptsExhausted', '--dry-run')
    assert.equal(dry.code, 0)
    assert.match(dry.stdout, /^2 dead letters would go back on "q3"; nothing was changed\./)
    assert.deepEqual(view().deadLettered, before)

    const unconfirmed = await dlq('replay', '--reason', 'AttemptsExhausted')
    assert.equal(unconfirmed.code, 2, 'nobody is there to confirm')
    assert.match(unconfirmed.stderr, /add --yes/)

    const outcomes = settlementsOfDeadLetters()
    const { code, stdout } = await dlq('replay', '--reason', 'AttemptsExhausted', '--yes', '--json')
    assert.deepEqual(
      outcomes.sort(),
      ['abandoned', 'abandoned', 'completed', 'completed'],
      'at full speed none is set aside, and each bystander is locked once',
    )
    assert.deepEqual([code, (JSON.parse(stdout) as { moved: number }).moved], [0, 2])
    assert.deepEqual(
      view().deadLettered,
      before.filter((one) => [1, 2].includes(before.indexOf(one))),
    )
    const [copy] = view().active
    assert.equal(copy?.messageId, `${incidentGuid(1)}:recommended-steps~r1`)
    assert.deepEqual(copy?.applicationProperties, {
      sender: 'logic-app',
      'enricher-copies': 3,
      'enricher-origin': `${incidentGuid(1)}:recommended-steps`,
      'enricher-replays': 1,
    })
  })

  it('with a rate, or a ramp that outlasts a lock, the selected are set aside first, and the others are released at once', async () => {
    await fill(workersLetter(1, 'Theirs'), workersLetter(2), workersLetter(3), workersLetter(4, 'AccessDenied'))
    const outcomes = settlementsOfDeadLetters()
    const { code } = await dlq('replay', '--reason', 'AttemptsExhausted', '--rate', '100', '--yes')
    assert.equal(code, 0)
    assert.deepEqual(outcomes, ['deferred', 'deferred', 'abandoned', 'completed', 'completed'])
    assert.equal((await dlq('replay', '--reason', 'AccessDenied', '--ramp', '5', '--yes')).code, 0)
    assert.deepEqual(outcomes.slice(5), ['deferred', 'abandoned', 'completed'])
  })

  it('a copy is what the sender sent: bytes that are no text, values, sequences, types of properties, every field', async () => {
    const sentAt = new Date('2026-03-01T12:00:00Z')
    await fill(
      {
        message: {
          body: Buffer.from([0xff, 0xfe, 0, 1, 2]),
          messageId: 'binary',
          contentType: 'application/octet-stream',
          correlationId: 'corr',
          subject: 'subj',
          replyTo: 'reply',
          to: 'to',
          applicationProperties: { yes: true, pi: 3.5, count: 7, at: sentAt, nothing: null, text: 'ä€' },
        },
        reason: 'InvalidMessage',
      },
      {
        message: { body: { id: 7, nested: [1, 'two'] }, bodyType: 'value', messageId: 'value' } as never,
        reason: 'InvalidMessage',
      },
      {
        message: { body: [1, 'two', { three: 3 }], bodyType: 'sequence', messageId: 'sequence' } as never,
        reason: 'InvalidMessage',
      },
    )
    const shown = await dlq('show', String(letterOf('binary').sequenceNumber))
    assert.match(shown.stdout, /Body \(5 bytes, not text: base64\)\n {2}\/\/4AAQI=\n/)
    const dead = view().deadLettered
    assert.equal((await dlq('replay', '--yes')).code, 0)
    assert.deepEqual(
      view().active.map((one) => one.body),
      dead.map((one) => one.body),
    )

    const receiver = client.createReceiver(queue, { skipParsingBodyAsJson: true, skipConvertingDate: true })
    const [binary] = await receiver.peekMessages(1)
    const { contentType, correlationId, subject, replyTo, to, applicationProperties } = binary ?? assert.fail()
    assert.deepEqual(
      { contentType, correlationId, subject, replyTo, to },
      { contentType: 'application/octet-stream', correlationId: 'corr', subject: 'subj', replyTo: 'reply', to: 'to' },
    )
    const { 'enricher-origin': origin, 'enricher-replays': replays, ...own } = applicationProperties ?? {}
    assert.deepEqual(own, { yes: true, pi: 3.5, count: 7, at: sentAt, nothing: null, text: 'ä€' })
    assert.deepEqual([origin, replays], ['binary', 1])
  })

  it('a limit, a ceiling and a missing number leave something: 1, and it says what', async () => {
    const tired = workersLetter(4)
    tired.message.applicationProperties = { ...tired.message.applicationProperties, 'enricher-replays': 5 }
    await fill(workersLetter(1), workersLetter(2), workersLetter(3), tired)
    const limited = await dlq('replay', '--limit', '1', '--yes')
    assert.equal(limited.code, 1)
    assert.match(limited.stdout, /moved +1\b/)
    assert.match(limited.stdout, /skipped +2 +beyond --limit/)
    assert.match(limited.stdout, /skipped +1 +replayed 5 times already; --max-replays/)
    assert.equal(view().active[0]?.messageId, `${incidentGuid(1)}:recommended-steps~r1`, 'the oldest first')

    const named = await dlq('replay', '--sequence', '999999', '--yes')
    assert.deepEqual([named.code, /not there: 999999/.test(named.stdout)], [1, true])
    const raised = json(await dlq('replay', '--max-replays', '6', '--yes', '--json'))
    assert.equal(raised.moved, 3)
    assert.ok(view().active.some((one) => one.messageId === `${incidentGuid(4)}:recommended-steps~r6`))
    const again = await dlq('replay', '--yes')
    assert.deepEqual([again.code, /moved +0 +no dead letter fits/.test(again.stdout)], [0, true], 'nothing is left')
  })

  it('discard exports, then removes; enqueue takes the file as it is', async () => {
    await fill(
      workersLetter(1, 'IncidentNotFound', 'NotFound'),
      workersLetter(2),
      workersLetter(3, 'IncidentNotFound', 'NotFound'),
    )
    const file = join(folder, 'gone.jsonl')
    const selection = ['--reason', 'IncidentNotFound', '--yes']
    const some = await dlq('discard', ...selection, '--limit', '1', '--export', join(folder, 'one.jsonl'))
    assert.deepEqual([some.code, /discarded +1/.test(some.stdout)], [1, true], 'one is left')
    await fill(workersLetter(4, 'IncidentNotFound', 'NotFound'))
    const { code, stdout } = await dlq('discard', ...selection, '--export', file)
    assert.equal(code, 0)
    assert.match(stdout, /discarded +2/)
    assert.deepEqual(
      view().deadLettered.map((one) => one.messageId),
      [`${incidentGuid(2)}:recommended-steps~c3`],
    )
    const lines = readFileSync(file, 'utf8').trim().split('\n')
    const first = JSON.parse(lines[0] ?? '') as Record<string, unknown>
    assert.equal(first.incidentArmId, incidentArmId(3))
    assert.equal(Buffer.from(String(first.bodyBase64), 'base64').toString(), JSON.stringify(incidentArmId(3)))
    for (const tries of [1, 2]) {
      const mixed = await dlq('discard', '--export', file, '--yes')
      assert.equal(mixed.code, 2, `a file with content is not mixed with another run, asked ${tries} times`)
    }
    assert.equal(view().deadLettered.length, 1)
    const enqueued = await runCommand({ ...environment(), PLAYBOOK: 'recommended-steps' }, 'enqueue', '--file', file)
    assert.equal(enqueued.code, 0, enqueued.stderr)
    assert.deepEqual(
      view()
        .active.map((one) => one.messageId)
        .sort(),
      [3, 4].map((one) => `${incidentGuid(one)}:recommended-steps`),
    )
  })

  it('two operators at once lose nothing, double nothing, and each ends well', async () => {
    await fill(
      ...Array.from({ length: 120 }, (_, index) =>
        workersLetter(index, index % 2 ? 'AccessDenied' : 'ContentFiltered'),
      ),
    )
    const [all, half] = await Promise.all([
      runCommand(environment('one'), 'dlq', 'replay', '--yes', '--json'),
      runCommand(environment('two'), 'dlq', 'replay', '--reason', 'AccessDenied', '--yes', '--json'),
    ])
    // Whoever found some locked by the other says so and ends with 1; nothing is left for a second run.
    await dlq('replay', '--yes')
    assert.ok(
      [all.code, half.code].every((code) => code === 0 || code === 1),
      `${all.stderr}${half.stderr}`,
    )
    const ids = view().active.map((one) => one.messageId)
    assert.deepEqual([new Set(ids).size, ids.length, view().deadLettered.length], [120, 120, 0])
  })

  it('the same command twice at once: the second is told, and does nothing', async () => {
    await fill(...Array.from({ length: 40 }, (_, index) => workersLetter(index)))
    const first = new CommandProcess(environment(), 'dlq', 'replay', '--rate', '10/s', '--yes')
    await once(broker.events, 'enqueued')
    const second = await dlq('replay', '--rate', '50', '--yes')
    assert.equal(second.code, 1)
    assert.match(second.stderr, /running already \(process \d+\)/)
    first.child.kill('SIGINT')
    assert.equal((await first.result).code, 1)
  })

  it('what dies during the run is not picked up by it; Ctrl-C ends it cleanly, and the same command goes on', async () => {
    await fill(...Array.from({ length: 30 }, (_, index) => workersLetter(index)))
    const args = ['dlq', 'replay', '--rate', '12/s', '--no-ramp', '--yes', '--json']
    const first = new CommandProcess(environment(), ...args)
    await once(broker.events, 'enqueued')
    const taken = client.createReceiver(queue)
    const [back] = await taken.receiveMessages(1)
    if (back)
      await taken.deadLetterMessage(back, { deadLetterReason: 'AttemptsExhausted', deadLetterErrorDescription: '' })
    first.child.kill('SIGINT')
    const interrupted = await first.result
    assert.equal(interrupted.code, 1)
    const report = JSON.parse(interrupted.stdout) as {
      moved: number
      remaining: number
      resume: string
      halfDone: number
    }
    assert.ok(report.moved > 0 && report.remaining > 0)
    assert.equal(report.moved + report.remaining, 30)
    assert.equal(report.halfDone, 0, 'no copy is sent whose original was not completed')
    assert.equal(report.resume, 'enricher dlq replay --rate 12/s --no-ramp --yes --json')
    assert.equal(view().active.length, report.moved - 1)

    const resumed = json(await dlq('replay', '--yes', '--json'))
    assert.deepEqual([resumed.moved, resumed.before, resumed.remaining], [30, report.moved, 0])
    assert.equal(view().deadLettered.length, 1, 'the one that died meanwhile waits for the next run')
    assert.ok(readdirSync(join(folder, queue, 'incident-enricher')).every((name) => name.endsWith('.done.jsonl')))
  })

  it('stops by itself when what it replays is dead again, and says why', async () => {
    await fill(
      ...Array.from({ length: 200 }, (_, index) => workersLetter(index, 'AccessDenied', 'AuthorizationFailed')),
    )
    const receiver = client.createReceiver(queue)
    const killer = receiver.subscribe(
      {
        processMessage: (message) =>
          receiver.deadLetterMessage(message, {
            deadLetterReason: 'AccessDenied',
            deadLetterErrorDescription: 'Again.',
          }),
        processError: async () => undefined,
      },
      { autoCompleteMessages: false },
    )
    const { code, stdout } = await dlq('replay', '--rate', '20/s', '--yes')
    await killer.close()
    assert.equal(code, 1)
    assert.match(stdout, /Stopped: \d+ of the first \d+ are dead again, mostly as AccessDenied\./)
    const moved = Number(/moved +(\d+)/.exec(stdout)?.[1])
    assert.ok(moved >= 10 && moved < 150, `${moved} were moved`)
    assert.match(stdout, /Go on with the same command: enricher dlq replay/)
  })

  it('a connection that is lost and a busy queue in the middle cost nothing, and no minute', async () => {
    const others = Array.from({ length: 100 }, (_, index) => ({
      message: { body: 'x', messageId: `o${index}` },
      reason: 'Theirs',
    }))
    const ours = Array.from({ length: 100 }, (_, index) => workersLetter(index))
    await fill(...ours.flatMap((one, index) => [one, others[index] ?? one]))
    const running = new CommandProcess(
      environment(),
      'dlq',
      'replay',
      '--reason',
      'AttemptsExhausted',
      '--rate',
      '60/s',
      '--yes',
      '--json',
    )
    const enqueued = async (count: number) => {
      while (view().active.length < count) await once(broker.events, 'enqueued')
    }
    await enqueued(10)
    broker.faults.killConnections()
    await enqueued(40)
    broker.faults.serverBusy(700)
    const { code, stdout, stderr } = await running.result
    assert.equal(code, 0, stderr)
    const { moved, seconds } = JSON.parse(stdout) as { moved: number; seconds: number }
    assert.equal(moved, 100)
    assert.ok(seconds < 45, `a settlement over a lost connection held it up for ${seconds} s`)
    const ids = view().active.map((one) => one.messageId)
    assert.deepEqual([ids.length, new Set(ids).size, view().deadLettered.length], [100, 100, 100])
  })

  it('says in a sentence what is wrong: no such queue, nobody there, wrong usage', async () => {
    const noQueue = await runCommand({ ...environment(), SERVICEBUS_QUEUE: 'nowhere' }, 'dlq', 'list')
    assert.deepEqual([noQueue.code, noQueue.stdout], [1, ''])
    assert.match(noQueue.stderr, /The queue does not exist/)
    const nobody = await runCommand(
      { ...environment(), SERVICEBUS_CONNECTION_STRING: broker.connectionString.replace(/:\d+;/, ':1;') },
      'dlq',
      'list',
    )
    assert.deepEqual([nobody.code, /cannot be reached/.test(nobody.stderr)], [1, true], nobody.stderr)
    const wrong = await dlq('list', '--before', 'yesterday')
    assert.deepEqual([wrong.code, wrong.stdout], [2, ''])
    assert.match(wrong.stderr, /^yesterday is neither a time .* nor an age/)
  })
})
