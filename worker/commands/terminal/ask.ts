import { createInterface } from 'node:readline/promises'
import { UsageError } from '../explain-failure.ts'

/**
 * Asks a person to confirm, on stderr. Only `y` and `yes` mean yes; the end of input, and Ctrl-C, mean no.
 * @throws UsageError when nobody is there to answer
 */
export async function confirm(question: string): Promise<boolean> {
  if (!process.stdin.isTTY) {
    throw new UsageError(
      `${question}\nNobody is at this terminal to confirm: add --yes, or --dry-run to see what would happen.`,
    )
  }
  const terminal = createInterface({ input: process.stdin, output: process.stderr })
  const gone = new AbortController()
  terminal.once('SIGINT', () => gone.abort())
  terminal.once('close', () => gone.abort())
  try {
    const answer = await terminal.question(`${question} [y/N] `, { signal: gone.signal })
    return /^y(es)?$/i.test(answer.trim())
  } catch {
    return false
  } finally {
    terminal.close()
  }
}
