import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { type Broker, startBroker } from '../../deploy/local/service-bus/broker.ts'
import { makeDeadLetters, workersLetter } from '../harness/dead-letters.ts'
import { hasPseudoTerminal, TerminalSession } from '../harness/pseudo-terminal.ts'

/** Whether any escape sequence sets a colour or weight; those that move the cursor do not count. */
const hasColour = (screen: string) =>
  screen.split('\u001B[').some((part, index) => index > 0 && /^\d+(;\d+)*m/.test(part))
const skip = hasPseudoTerminal ? false : 'there is no `script` of util-linux to make a terminal with'

describe('what a person sees at a terminal of 80 columns', { skip, timeout: 120_000 }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'operator-terminal-'))
  let broker: Broker
  let environment: Record<string, string>
  before(async () => {
    broker = await startBroker({ queues: [{ name: 'incidents', duplicateDetectionWindowMs: 600_000 }] })
    environment = { SERVICEBUS_CONNECTION_STRING: broker.connectionString, XDG_STATE_HOME: folder }
    const letters = Array.from({ length: 60 }, (_, index) =>
      workersLetter(index, 'AccessDenied', 'AuthorizationFailed'),
    )
    await makeDeadLetters(broker, 'incidents', letters)
  })
  after(async () => {
    await broker.close()
    rmSync(folder, { recursive: true })
  })
  const fits = (session: TerminalSession) => {
    // An incident's link is one word, and longer than any terminal.
    for (const line of session.lines) assert.ok(line.length <= 80 || line.includes('https://'), line)
  }

  it('a list in colour, and without any where NO_COLOR says so', async () => {
    const bright = new TerminalSession(environment, 'dlq', 'list')
    const plain = new TerminalSession({ ...environment, NO_COLOR: '1' }, 'dlq', 'list')
    assert.deepEqual([await bright.exited, await plain.exited], [1, 1])
    assert.ok(hasColour(bright.screen))
    assert.ok(!hasColour(plain.screen))
    for (const session of [bright, plain]) {
      fits(session)
      assert.ok(
        session.lines.some((line) => /^AccessDenied +sentinel +AuthorizationFailed +60 /.test(line)),
        session.screen,
      )
    }
    assert.deepEqual(
      bright.lines.map((line) => line.replace(/\d+ (s|min)/g, 'x')),
      plain.lines.map((line) => line.replace(/\d+ (s|min)/g, 'x')),
    )
  })

  it('one dead letter, its text wrapped between words', async () => {
    const [letter] = broker.inspect('incidents').deadLettered
    const session = new TerminalSession(environment, 'dlq', 'show', String(letter?.sequenceNumber))
    assert.equal(await session.exited, 0)
    const own = session.lines.slice(0, session.lines.indexOf('Properties'))
    for (const line of own) assert.ok(line.length <= 80 || /https:|subscriptions/.test(line), line)
  })

  it('a question before anything moves: anything but yes moves nothing', async () => {
    const session = new TerminalSession(environment, 'dlq', 'replay')
    await session.sees('Put all 60 dead letters back on "incidents"? [y/N]')
    session.type('n\r')
    assert.equal(await session.exited, 1)
    assert.match(
      session.screen.replace(/\s+/g, ' '),
      /What it will cost is not known: the run record is not configured/,
    )
    assert.match(session.screen, /Nothing was moved\./)
    assert.equal(broker.inspect('incidents').active.length, 0)
  })

  it('a bar with rate and time left while it moves; Ctrl-C ends it and says how to go on', async () => {
    const session = new TerminalSession(
      { ...environment, NO_COLOR: '1' },
      'dlq',
      'replay',
      '--rate',
      '20/s',
      '--no-ramp',
    )
    await session.sees('[y/N]')
    session.type('y\r')
    await session.sees('/60 ')
    session.type('\u0003')
    assert.equal(await session.exited, 1)
    assert.match(session.screen, /Replaying ━+ \d+\/60 {2}[\d.]+\/s {2}\d+ s left/)
    assert.ok(!hasColour(session.screen))
    assert.match(session.screen, /Go on with the same command: enricher dlq replay --rate 20\/s --no-ramp/)
    fits(session)
    const { active, deadLettered } = broker.inspect('incidents')
    assert.ok(active.length > 0 && active.length + deadLettered.length === 60)

    const again = new TerminalSession(environment, 'dlq', 'replay', '--no-ramp')
    await again.sees('Go on with the run of ')
    again.type('yes\r')
    assert.equal(await again.exited, 0)
    assert.ok(hasColour(again.screen))
    assert.equal(broker.inspect('incidents').deadLettered.length, 0)
  })
})
