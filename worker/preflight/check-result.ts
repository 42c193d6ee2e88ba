/** One line of `enricher check`. */
export interface CheckResult {
  what: string
  status: 'passed' | 'warning' | 'failed'
  /** What was found, one sentence. */
  says: string
  /** What to do about it; a command where there is one. */
  todo?: string
}

/** Roles of Azure that the product's identity needs, by their built-in names. */
export const roles = {
  receiver: 'Azure Service Bus Data Receiver',
  sender: 'Azure Service Bus Data Sender',
  responder: 'Microsoft Sentinel Responder',
  tables: 'Storage Table Data Contributor',
  openai: 'Cognitive Services OpenAI User',
} as const

/** The command that gives an identity a role. `principal` is its object id, where its token told it. */
export function grantCommand(role: string, scope: string, principal: string | undefined): string {
  const assignee = principal ? `--assignee-object-id ${principal}` : '--assignee-object-id <object id of the identity>'
  return `az role assignment create --role "${role}" ${assignee} --assignee-principal-type ServicePrincipal --scope ${scope}`
}

/** Runs a check with an end: one that hangs, or throws what nobody expected, has failed. */
export async function bounded(
  what: string,
  limitMs: number,
  check: (signal: AbortSignal) => Promise<CheckResult[]>,
): Promise<CheckResult[]> {
  const controller = new AbortController()
  const timedOut: CheckResult = {
    what,
    status: 'failed',
    says: `no answer within ${limitMs / 1000} s`,
    todo: 'Check the address, the network and the firewall between here and there.',
  }
  const limit = new Promise<CheckResult[]>((resolve) => {
    const timer = setTimeout(() => {
      controller.abort(new Error('the check took too long'))
      resolve([timedOut])
    }, limitMs)
    timer.unref()
  })
  const run = check(controller.signal).catch((error: unknown): CheckResult[] => [
    { what, status: 'failed', says: `it failed (${error instanceof Error ? error.name : typeof error})` },
  ])
  return await Promise.race([run, limit])
}
