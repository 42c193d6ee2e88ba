import { Failure } from '../../shared/failure.ts'
import type { PlaybookError } from '../playbooks/load-playbook.ts'
import { ConfigurationError } from '../read-variables.ts'

/** What a command prints to stderr when it fails, and its exit code: plain sentences, no stack, no secret. */
export function explainFailure(error: unknown): { text: string; code: 1 | 2 } {
  if (error instanceof ConfigurationError) {
    const list = error.problems.map((problem) => `  - ${problem}`).join('\n')
    return { text: `${error.message}\n${list}\nSee .env.example for every variable.`, code: 2 }
  }
  if (isPlaybookError(error)) {
    return { text: `The playbook cannot be used.\n${error.problems.map((one) => `  - ${one}`).join('\n')}`, code: 2 }
  }
  if (error instanceof UsageError) return { text: error.message, code: 2 }
  if (error instanceof CommandFailed) return { text: error.message, code: 1 }
  if (error instanceof Failure) return { text: error.message, code: 1 }
  return { text: explainCode(codeOf(error)), code: 1 }
}

/** The SDK's code of the last try; where it has none of its own, the operating system's, which it quotes in its message. */
function codeOf(error: unknown): string {
  const last: unknown = error instanceof AggregateError ? (error.errors.at(-1) ?? error) : error
  const { code, name, message } = (last ?? {}) as { code?: unknown; name?: unknown; message?: unknown }
  if (typeof code !== 'string' || code === '' || code === 'GeneralError') {
    const quoted = /\b(ECONN[A-Z]+|ENOTFOUND|EHOSTUNREACH|ENETUNREACH|ETIMEDOUT|EAI_AGAIN)\b/.exec(
      String(message ?? ''),
    )
    if (quoted?.[1]) return quoted[1]
  }
  return typeof code === 'string' && code ? code : String(name ?? 'unknown error')
}

/** By its name: the class itself would load the template engine before every command, `--help` included. */
function isPlaybookError(error: unknown): error is PlaybookError {
  return error instanceof Error && error.name === 'PlaybookError'
}

/** The command was called wrongly: its message says how to call it. */
export class UsageError extends Error {}

/** The command could not do what it was asked; its message says why and what to do. */
export class CommandFailed extends Error {}

function explainCode(code: string): string {
  switch (code) {
    case 'MessagingEntityNotFound':
      return 'The queue does not exist: create it, or correct SERVICEBUS_QUEUE.'
    case 'UnauthorizedAccess':
      return 'The queue refuses this identity or key: give it Azure Service Bus Data Sender and Receiver on the queue.'
    case 'ECONNREFUSED':
    case 'ECONNRESET':
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
    case 'EHOSTUNREACH':
    case 'ENETUNREACH':
    case 'ETIMEDOUT':
    case 'ServiceCommunicationProblem':
    case 'ServiceTimeout':
    case 'ServiceUnavailable':
      return `The queue cannot be reached (${code}): check SERVICEBUS_NAMESPACE or SERVICEBUS_CONNECTION_STRING and the network.`
    case 'EADDRINUSE':
      return 'The health port is taken: set HEALTH_PORT to another one, or to 0 for any free one.'
    default:
      return `It failed (${code}). LOG_LEVEL=debug tells more.`
  }
}
