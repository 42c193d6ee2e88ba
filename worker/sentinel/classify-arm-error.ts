import { Failure, type FailureDetails, hopeless } from '../../shared/failure.ts'
import { retryAfterMs } from '../recovery/retry-after.ts'

/** What ARM answered, as far as it matters for a decision. */
export interface ArmAnswer {
  status: number
  /** `error.code` of the body, or the status. */
  code: string
  header(name: string): string | undefined
}

/** Codes of a 404 that speak of the workspace rather than of the incident; either way no later try finds it. */
const workspaceIsGone = /^(ResourceGroup|Subscription|Workspace)NotFound$|^InvalidSubscriptionId$/i

/**
 * Turns an ARM answer that is no success into a failure. 409 and 412 are the caller's to handle: they are how etags work.
 * Source: common error codes of Azure Resource Manager, and `error.code` of Microsoft.SecurityInsights.
 */
export function classifyArmAnswer(answer: ArmAnswer, what: string): Failure {
  const { status, code } = answer
  const details = (kind: FailureDetails['kind'], more: Partial<FailureDetails> = {}): FailureDetails => ({
    kind,
    dependency: 'sentinel',
    code,
    ...more,
  })
  if (status === 404) {
    const sentence = workspaceIsGone.test(code)
      ? `Sentinel does not know the incident's workspace or resource group (${code}): check that it still exists and that the identity may see it.`
      : `Sentinel does not know the incident (${code}): it was deleted or merged into another, so there is nothing to enrich.`
    return hopeless('IncidentNotFound', 'sentinel', code, sentence)
  }
  if (status === 403) {
    return new Failure(
      `ARM refuses ${what} (${code}): give the worker's identity the role Microsoft Sentinel Responder on the workspace.`,
      details('access-denied'),
    )
  }
  if (status === 401) {
    return new Failure(
      `ARM does not accept the identity's token (${code}): check AZURE_CLIENT_ID, the tenant and AZURE_RESOURCE_MANAGER_URL.`,
      details('outage', { dependency: 'identity', retryNow: true, opensCircuit: true }),
    )
  }
  if (status === 429) {
    return new Failure(`ARM throttles ${what} (${code}); the worker waits as long as ARM asks.`, {
      ...details('throttled', { retryNow: true }),
      retryAfterMs: retryAfterMs(answer.header) ?? 10_000,
    })
  }
  if (status === 408 || status >= 500) {
    return new Failure(
      `ARM failed to do ${what} (${code}); the worker tries again.`,
      details('outage', { retryNow: true, retryAfterMs: retryAfterMs(answer.header) }),
    )
  }
  if (status >= 300 && status < 400) {
    return new Failure(
      `ARM answered ${what} with a redirect, which the worker never follows: check AZURE_RESOURCE_MANAGER_URL.`,
      details('outage', { opensCircuit: true }),
    )
  }
  return new Failure(`ARM does not accept ${what} (${code}); the log has the request's id.`, details('unexpected'))
}

/** What was thrown instead of an answer: no connection, no token, a time-out. */
export function classifyArmError(error: unknown, what: string): Failure {
  if (error instanceof Failure) return error
  const { name, code } = error as { name?: string; code?: unknown }
  if (name && /CredentialUnavailable|AuthenticationError|AggregateAuthentication|AuthenticationRequired/.test(name)) {
    return new Failure(
      "The identity gets no token for ARM: check the managed identity's assignment, AZURE_CLIENT_ID and the tenant.",
      { kind: 'outage', dependency: 'identity', code: name, retryNow: true, opensCircuit: true, cause: error },
    )
  }
  const text = typeof code === 'string' ? code : (name ?? 'NoAnswer')
  return new Failure(`ARM could not be reached for ${what} (${text}); the worker tries again.`, {
    kind: 'outage',
    dependency: 'sentinel',
    code: text,
    retryNow: true,
    cause: error,
  })
}
