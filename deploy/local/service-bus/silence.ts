import type { Socket } from 'node:net'

/**
 * A network that loses nothing but carries nothing: while it is on, no byte passes in either direction on any socket, and
 * none is closed. When it is off again, what was held passes, as after a partition that TCP survived.
 */
export class Silence {
  #on = false
  readonly #sockets = new Map<Socket, { held: (() => void)[] }>()
  readonly #waiting = new Set<() => void>()

  get on(): boolean {
    return this.#on
  }

  /** Runs now, or when the silence ends. */
  afterwards(action: () => void): void {
    if (this.#on) this.#waiting.add(action)
    else action()
  }

  start(sockets: Iterable<Socket>): void {
    this.#on = true
    for (const socket of sockets) this.#hold(socket)
  }

  end(): void {
    this.#on = false
    for (const [socket, { held }] of this.#sockets) {
      for (const method of ['write', 'end'] as const) Reflect.deleteProperty(socket, method)
      if (socket.destroyed) continue
      for (const send of held) send()
      socket.resume()
    }
    this.#sockets.clear()
    const actions = [...this.#waiting]
    this.#waiting.clear()
    for (const action of actions) action()
  }

  #hold(socket: Socket): void {
    if (this.#sockets.has(socket)) return
    const held: (() => void)[] = []
    this.#sockets.set(socket, { held })
    socket.once('close', () => this.#sockets.delete(socket))
    socket.pause()
    const write = socket.write.bind(socket) as (...given: unknown[]) => boolean
    const end = socket.end.bind(socket) as (...given: unknown[]) => Socket
    socket.write = ((...given: unknown[]) => {
      held.push(() => write(...given))
      return true
    }) as Socket['write']
    socket.end = ((...given: unknown[]) => {
      held.push(() => end(...given))
      return socket
    }) as Socket['end']
  }
}
