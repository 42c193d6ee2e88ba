import { type Configuration, readConfiguration } from '../configuration.ts'

/** What a command works with besides the queue; the rest of the worker's configuration may be absent on an operator's desk. */
export interface OperatorNeeds {
  /** Incidents are read or written: SENTINEL_WORKSPACES must be there. */
  sentinel?: boolean
}

export interface OperatorConfiguration extends Configuration {
  /** The run record is configured, so past runs can be looked at. */
  knowsRuns: boolean
}

const anyWorkspace = '/subscriptions/*/resourceGroups/*/providers/Microsoft.OperationalInsights/workspaces/*'
const modelVariables = ['OPENAI_API_KEY_FILE', 'OPENAI_BASE_URL', 'AZURE_OPENAI_ENDPOINT'] as const
const budgetVariables = [
  'TOKENS_PER_MINUTE',
  'REQUESTS_PER_MINUTE',
  'TOKENS_PER_DAY',
  'TOKENS_PER_DAY_PER_WORKSPACE',
] as const

/**
 * Reads the worker's configuration for an operator's command: what the command does not use need not be set, and what is
 * set is read as the worker reads it.
 *
 * @throws ConfigurationError with all problems at once
 */
export function readOperatorConfiguration(
  env: Record<string, string | undefined>,
  needs: OperatorNeeds = {},
): OperatorConfiguration {
  const knowsRuns = Boolean(env.AZURE_TABLES_URL?.trim() || env.AZURE_TABLES_CONNECTION_STRING?.trim())
  const used: Record<string, string | undefined> = { ...env, OPENAI_API_KEY: 'unused' }
  for (const variable of [...modelVariables, ...budgetVariables]) delete used[variable]
  if (!knowsRuns || used.STATE_STORE?.trim().toLowerCase() === 'memory') used.STATE_STORE = 'memory'
  if (!needs.sentinel && !used.SENTINEL_WORKSPACES?.trim()) used.SENTINEL_WORKSPACES = anyWorkspace
  return { ...readConfiguration(used), knowsRuns: knowsRuns && used.STATE_STORE !== 'memory' }
}
