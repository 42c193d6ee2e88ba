import type { ServerResponse } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Reply } from './reply.ts'

/**
 * Puts a reply on the wire, or breaks it there. Ends without a word when the client has gone.
 *
 * @param signal aborts when the server closes
 */
export async function sendReply(response: ServerResponse, reply: Reply, signal: AbortSignal): Promise<void> {
  const { breaks } = reply
  if (breaks?.kind === 'reset') {
    response.socket?.resetAndDestroy()
    return
  }
  if (breaks?.kind === 'stallBeforeHeaders') await sleep(breaks.ms, undefined, { signal })
  if (response.destroyed) return
  const body = Buffer.from(reply.body)
  response.writeHead(reply.status, { ...reply.headers, 'content-length': body.length })
  if (breaks?.kind !== 'stallBody' && breaks?.kind !== 'truncateBody') {
    response.end(body)
    return
  }
  const half = Math.floor(body.length / 2)
  await new Promise<void>((resolve) => response.write(body.subarray(0, half), () => resolve()))
  if (breaks.kind === 'truncateBody') {
    // An orderly end, not a reset: that could discard the half which the client has not read yet.
    response.socket?.destroySoon()
    return
  }
  await sleep(breaks.ms, undefined, { signal })
  if (!response.destroyed) response.end(body.subarray(half))
}
