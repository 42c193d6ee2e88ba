import type { IncomingMessage } from 'node:http'

const maxBytes = 32 * 1024 * 1024

/** The whole body as text; `undefined` when it is over 32 MB, of which the rest is read and thrown away. */
export function readBody(request: IncomingMessage): Promise<string | undefined> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    let bytes = 0
    request.on('data', (chunk: Buffer) => {
      bytes += chunk.length
      if (bytes <= maxBytes) chunks.push(chunk)
      else chunks.length = 0
    })
    request.once('end', () => resolve(bytes > maxBytes ? undefined : Buffer.concat(chunks).toString('utf8')))
    request.once('error', reject)
  })
}
