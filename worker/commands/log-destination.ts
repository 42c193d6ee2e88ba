import type { DestinationStream } from 'pino'

/** JSON lines go to stdout as they are; a person at a terminal gets them readable, where pino-pretty is installed. */
export async function logDestination(): Promise<DestinationStream | undefined> {
  if (!process.stdout.isTTY || process.env.NODE_ENV === 'production') return undefined
  try {
    const { default: pretty } = await import('pino-pretty')
    const colorize = process.env.NO_COLOR === undefined
    return pretty({ colorize, ignore: 'service,pid,hostname', singleLine: true, sync: true })
  } catch {
    return undefined
  }
}
