import assert from 'node:assert/strict'
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { connect as connectSocket } from 'node:net'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { describe, it, type TestContext } from 'node:test'
import { ServiceBusClient } from '@azure/service-bus'
import rhea, { type Connection, type EventContext } from 'rhea'
import { hasCode, openBroker, receiveOne } from './open-broker.ts'

const program = join(import.meta.dirname, '../../../deploy/local/service-bus/main.ts')

describe('connections', () => {
  it('the broker sends heartbeats, so that a quiet connection stays', async (test) => {
    const { broker } = await openBroker(test)
    const connection = connectRaw(test, broker.port, { idle_time_out: 200 })
    await once(connection, 'connection_open')
    const { socket } = connection as unknown as { socket: NodeJS.EventEmitter }
    // More silence than two of these and the client would close.
    for (let heartbeats = 0; heartbeats < 5; heartbeats++) await once(socket, 'data')
    assert.equal(connection.is_open(), true)
  })

  it('a peer that talks nonsense is cut off, and the others notice nothing', async (test) => {
    const { broker, client } = await openBroker(test)
    test.mock.method(console, 'error', () => undefined)
    for (const nonsense of [
      Buffer.from('AMQPnonsense, and more of it'),
      Buffer.from([0x16, 3, 1]),
      Buffer.from('\r\n\r\n'),
    ]) {
      const socket = connectSocket(broker.port, '127.0.0.1')
      socket.on('error', () => undefined)
      socket.end(nonsense)
      socket.resume()
      await once(socket, 'close')
    }
    await client.createSender('q').sendMessages({ body: 1 })
    assert.equal(broker.inspect('q').active.length, 1)
  })
})

describe('links', () => {
  it('a drain is answered once what waits was delivered, and even when no credit is left', async (test) => {
    const { broker, client } = await openBroker(test)
    await client.createSender('q').sendMessages([{ body: 1 }, { body: 2 }])
    const receiver = connectRaw(test, broker.port).open_receiver({
      source: 'q',
      credit_window: 0,
      autoaccept: false,
      snd_settle_mode: 0,
      rcv_settle_mode: 1,
    })
    let delivered = 0
    receiver.on('message', () => delivered++)
    await once(receiver, 'receiver_open')
    receiver.add_credit(5)
    receiver.drain_credit()
    await once(receiver, 'receiver_drained')
    assert.equal(delivered, 2)
    receiver.drain_credit()
    await once(receiver, 'receiver_drained')
    assert.equal(delivered, 2)
  })

  it('a batch above the limit is refused whole, though each of its messages is small enough', async (test) => {
    const { broker } = await openBroker(test, { maxMessageBytes: 10_000 })
    const sender = connectRaw(test, broker.port).open_sender('q')
    await once(sender, 'sendable')
    const small = rhea.message.encode({ body: rhea.message.data_section(Buffer.alloc(6_000)) }) as Buffer
    const batch = rhea.message.encode({ body: rhea.message.data_sections([small, small]) })
    sender.send(batch, undefined, 0x80013700)
    const [context] = (await once(sender, 'rejected')) as [EventContext]
    const { error } = (context.delivery?.remote_state ?? {}) as { error?: { condition?: string } }
    assert.equal(error?.condition, 'amqp:link:message-size-exceeded')
    assert.equal(broker.inspect('q').active.length, 0)
  })

  it('a message that cannot be read is refused, and its sender goes on', async (test) => {
    const { broker } = await openBroker(test)
    const sender = connectRaw(test, broker.port).open_sender('q')
    await once(sender, 'sendable')
    const broken = Buffer.from([0x00, 0x53, 0x75, 0xa0, 0xff])
    sender.send(rhea.message.encode({ body: rhea.message.data_section(broken) }), undefined, 0x80013700)
    await once(sender, 'rejected')
    sender.send({ body: 'whole' })
    await once(sender, 'accepted')
    assert.equal(broker.inspect('q').active.length, 1)
  })
})

describe('what the broker does not have', () => {
  it('sessions and topics are refused, and not retried', async (test) => {
    const { client } = await openBroker(test)
    await assert.rejects(client.acceptSession('q', 's'), hasCode('SessionCannotBeLocked'))
    await assert.rejects(client.createReceiver('t', 's').receiveMessages(1), /not part of the local broker/)
  })

  it('nobody can send to a dead-letter queue', async (test) => {
    const { client } = await openBroker(test)
    await assert.rejects(
      client.createSender('q/$DeadLetterQueue').sendMessages({ body: 1 }),
      /cannot be sent to a dead-letter queue/,
    )
  })
})

describe('the dead-letter queue', () => {
  it('has a management of its own: peek and renewal', async (test) => {
    const { client } = await openBroker(test)
    await client.createSender('q').sendMessages({ body: 1, messageId: 'm' })
    const receiver = client.createReceiver('q')
    await receiver.deadLetterMessage(await receiveOne(receiver))
    const dead = client.createReceiver('q', { subQueueType: 'deadLetter' })
    assert.deepEqual(
      (await dead.peekMessages(5)).map((one) => one.messageId),
      ['m'],
    )
    const message = await receiveOne(dead)
    assert.ok((await dead.renewMessageLock(message)).getTime() > Date.now())
    assert.deepEqual(await receiver.peekMessages(5), [])
    await dead.completeMessage(message)
  })
})

describe('the program', () => {
  it('prints what connects to it, then ready, and ends with 0 on SIGTERM', async () => {
    const child = spawn(process.execPath, [program, '--queue', 'one', '--queue', 'two'], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const ended = once(child, 'exit')
    const environment = new Map<string, string>()
    for await (const line of createInterface(child.stdout)) {
      if (line === 'ready') break
      const at = line.indexOf('=')
      environment.set(line.slice(0, at), line.slice(at + 1))
    }
    assert.equal(environment.get('SERVICEBUS_QUEUE'), 'one')
    const client = new ServiceBusClient(environment.get('SERVICEBUS_CONNECTION_STRING') ?? '')
    for (const name of ['one', 'two']) await client.createSender(name).sendMessages({ body: 1 })
    await client.close()
    child.kill('SIGTERM')
    assert.deepEqual(await ended, [0, null])
  })

  it('explains itself with --help, and exits 2 with one sentence on wrong usage', async () => {
    const run = (...args: string[]) =>
      new Promise<{ code: unknown; stdout: string; stderr: string }>((resolve) => {
        execFile(process.execPath, [program, ...args], (error, stdout, stderr) =>
          resolve({ code: error?.code ?? 0, stdout, stderr }),
        )
      })
    const [help, port, unknown] = await Promise.all([run('--help'), run('--port', 'x'), run('--nonsense')])
    assert.equal(help.code, 0)
    assert.match(help.stdout, /--lock-seconds/)
    assert.deepEqual([port.code, port.stderr], [2, '--port x is no port number. See --help.\n'])
    assert.equal(unknown.code, 2)
  })
})

/** A connection of the bare protocol library, for what the SDK would hide. */
function connectRaw(test: TestContext, port: number, options: { idle_time_out?: number } = {}): Connection {
  const container = rhea.create_container()
  container.on('disconnected', () => undefined)
  const connection = container.connect({ port, host: '127.0.0.1', username: 'x', reconnect: false, ...options })
  test.after(() => connection.close())
  return connection
}
