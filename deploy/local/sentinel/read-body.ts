import type { IncomingMessage } from 'node:http'
import { ArmError } from './arm-error.ts'

const maxBytes = 1024 * 1024

/**
 * Reads a JSON body of at most 1 MiB; `undefined` when there is none.
 * @throws ArmError 413, 415 or 400.
 */
export async function readBody(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of request) {
    bytes += chunk.length
    // Read on to the end without keeping it: an answer in the middle of an upload would reset the connection.
    if (bytes <= maxBytes) chunks.push(chunk)
  }
  if (bytes > maxBytes) {
    throw new ArmError(
      413,
      'RequestContentTooLarge',
      `The request content size exceeds the maximum of ${maxBytes} bytes.`,
    )
  }
  if (bytes === 0) return undefined
  const type = request.headers['content-type']
  if (type === undefined || !/^application\/json\b/i.test(type)) {
    throw new ArmError(
      415,
      'UnsupportedMediaType',
      `The content media type '${type ?? '<null>'}' is not supported. Only 'application/json' is supported.`,
    )
  }
  try {
    return JSON.parse(Buffer.concat(chunks).toString('utf8'))
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    throw new ArmError(
      400,
      'InvalidRequestContent',
      `The request content was invalid and could not be deserialized: '${reason}'.`,
    )
  }
}
