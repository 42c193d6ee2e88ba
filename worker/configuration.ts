import { existsSync, readFileSync } from 'node:fs'
import { isAbsolute, resolve } from 'node:path'
import { getCACertificates, setDefaultCACertificates } from 'node:tls'
import { fileURLToPath } from 'node:url'
import { parseEnv } from 'node:util'
import { parseWorkspaceArmId, type WorkspaceRef } from '../shared/arm-id.ts'
import { type LogLevel, logLevels } from '../shared/log.ts'
import { azureTokenScope } from './conversation/azure-token-scope.ts'
import { type Environment, VariableReader } from './read-variables.ts'
import { readTelemetryConfiguration, type TelemetryConfiguration } from './telemetry/read-telemetry-configuration.ts'

/** Where the queue is: with a namespace the identity signs in, a connection string carries its own key. */
export interface QueueConfiguration {
  queue: string
  namespace: string | undefined
  connectionString: string | undefined
}

/** How the model is reached. Exactly one of key, key file and identity authenticates. */
export interface ModelConfiguration {
  provider: 'openai' | 'azure' | 'compatible'
  /** Base URL up to the version, such as `https://api.openai.com/v1`. */
  baseUrl: string
  apiKey: string | undefined
  apiKeyFile: string | undefined
  /** What the identity's token is asked for; used where there is no key. */
  tokenScope: string
  /** Overrides the playbook's model; on Azure the deployment's name. */
  model: string | undefined
}

export interface StateConfiguration {
  store: 'table' | 'memory'
  tablesUrl: string | undefined
  tablesConnectionString: string | undefined
}

export interface BudgetConfiguration {
  /** Prompt and completion, over all turns and retries of one incident. */
  tokensPerIncident: number
  /** The model deployment's quota, shared by the whole fleet; undefined is unlimited. */
  tokensPerMinute: number | undefined
  requestsPerMinute: number | undefined
  /** Fleet-wide ceilings per UTC day. */
  tokensPerDay: number | undefined
  tokensPerDayPerWorkspace: number | undefined
}

export interface RetryConfiguration {
  /** Delayed attempts before a message is dead-lettered. */
  maxAttempts: number
  baseMs: number
  maxMs: number
}

export interface Configuration {
  queue: QueueConfiguration
  workspaces: WorkspaceRef[]
  /** ARM endpoint without a trailing slash. */
  resourceManagerUrl: string
  identityClientId: string | undefined
  model: ModelConfiguration
  state: StateConfiguration
  /** Absolute path. */
  playbookFile: string
  /** Incidents in flight in this process. */
  concurrency: number
  budget: BudgetConfiguration
  /** ARM writes per second and subscription, in this process. */
  sentinelWritesPerSecond: number
  retry: RetryConfiguration
  shutdownGraceMs: number
  healthPort: number
  logLevel: LogLevel
  telemetry: TelemetryConfiguration
}

/** `TOKENS_PER_INCIDENT` alone, for commands that need nothing else. @throws ConfigurationError */
export function readTokensPerIncident(env: Environment): number {
  const read = new VariableReader(env)
  const tokens = readCeiling(read)
  read.throwIfAny()
  return tokens
}

const readCeiling = (read: VariableReader) => read.number('TOKENS_PER_INCIDENT', 20_000, { min: 1 })

/** Reads what `enricher run` needs. @throws ConfigurationError with all problems at once. */
export function readConfiguration(env: Environment): Configuration {
  const read = new VariableReader(env)
  const resourceManagerUrl = read.url('AZURE_RESOURCE_MANAGER_URL') ?? 'https://management.azure.com'
  const configuration: Configuration = {
    queue: readQueue(read),
    workspaces: readWorkspaces(read),
    resourceManagerUrl,
    identityClientId: read.text('AZURE_CLIENT_ID'),
    model: readModel(read, resourceManagerUrl),
    state: readState(read),
    playbookFile: readPlaybookFile(read),
    concurrency: read.number('CONCURRENCY', 16, { min: 1, max: 1000 }),
    budget: {
      tokensPerIncident: readCeiling(read),
      tokensPerMinute: read.optionalNumber('TOKENS_PER_MINUTE'),
      requestsPerMinute: read.optionalNumber('REQUESTS_PER_MINUTE'),
      tokensPerDay: read.optionalNumber('TOKENS_PER_DAY'),
      tokensPerDayPerWorkspace: read.optionalNumber('TOKENS_PER_DAY_PER_WORKSPACE'),
    },
    sentinelWritesPerSecond: read.number('SENTINEL_WRITES_PER_SECOND', 8, { min: 0.1, max: 10_000, whole: false }),
    retry: readRetry(read),
    shutdownGraceMs: read.number('SHUTDOWN_GRACE_SECONDS', 25, { min: 0, max: 3600, whole: false }) * 1000,
    healthPort: read.number('HEALTH_PORT', 8080, { min: 0, max: 65_535 }),
    logLevel: read.oneOf('LOG_LEVEL', logLevels, 'info'),
    telemetry: readTelemetryConfiguration(read),
  }
  read.throwIfAny()
  return configuration
}

/** Reads the little that `enricher enqueue` needs: the queue, and the playbook whose name goes into the message ids. */
export function readEnqueueConfiguration(
  env: Environment,
): Pick<Configuration, 'queue' | 'playbookFile' | 'identityClientId' | 'workspaces'> {
  const read = new VariableReader(env)
  const configuration = {
    queue: readQueue(read),
    playbookFile: readPlaybookFile(read),
    identityClientId: read.text('AZURE_CLIENT_ID'),
    workspaces: read.text('SENTINEL_WORKSPACES') === undefined ? [] : readWorkspaces(read),
  }
  read.throwIfAny()
  return configuration
}

function readQueue(read: VariableReader): QueueConfiguration {
  const namespace = read.text('SERVICEBUS_NAMESPACE')
  const connectionString = read.text('SERVICEBUS_CONNECTION_STRING')
  if (!namespace && !connectionString) {
    read.problem(
      'SERVICEBUS_NAMESPACE',
      'is missing: set it to the fully qualified namespace (contoso.servicebus.windows.net), or set SERVICEBUS_CONNECTION_STRING',
    )
  }
  if (namespace && connectionString) {
    read.problem('SERVICEBUS_NAMESPACE', 'and SERVICEBUS_CONNECTION_STRING are both set: keep one of them')
  }
  if (namespace && !/^[a-z0-9-]+(\.[a-z0-9-]+)+$/i.test(namespace)) {
    read.problem(
      'SERVICEBUS_NAMESPACE',
      'is not a fully qualified host name, such as contoso.servicebus.windows.net, without sb:// and port',
    )
  }
  if (connectionString && !/(^|;)\s*Endpoint=sb:\/\/[^;]+/i.test(connectionString)) {
    read.problem(
      'SERVICEBUS_CONNECTION_STRING',
      'has no Endpoint=sb://… part: copy it whole from the namespace or the emulator',
    )
  }
  return { queue: read.text('SERVICEBUS_QUEUE') ?? 'incidents', namespace, connectionString }
}

function readWorkspaces(read: VariableReader): WorkspaceRef[] {
  const text = read.text('SENTINEL_WORKSPACES')
  if (text === undefined) {
    read.problem(
      'SENTINEL_WORKSPACES',
      'is missing: list the workspaces that may be written to, by ARM id (/subscriptions/…/resourceGroups/…/providers/Microsoft.OperationalInsights/workspaces/…), comma or newline separated',
    )
    return []
  }
  const entries = text.split(/[,\n]/).map((entry) => entry.trim())
  return entries
    .filter((entry) => entry !== '')
    .flatMap((entry, index) => {
      const workspace = parseWorkspaceArmId(entry, true)
      if (!workspace) {
        read.problem('SENTINEL_WORKSPACES', `entry ${index + 1} is not a workspace's ARM id; a path segment may be *`)
        return []
      }
      return [workspace]
    })
}

const loopbackHosts = /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/

function readModel(read: VariableReader, resourceManagerUrl: string): ModelConfiguration {
  const apiKey = read.text('OPENAI_API_KEY')
  const apiKeyFile = read.text('OPENAI_API_KEY_FILE')
  const azure = read.url('AZURE_OPENAI_ENDPOINT')
  const base = read.url('OPENAI_BASE_URL')
  if (azure && base) {
    read.problem('AZURE_OPENAI_ENDPOINT', 'and OPENAI_BASE_URL are both set: keep the one that the model is behind')
  }
  if (apiKey && apiKeyFile) {
    read.problem(
      'OPENAI_API_KEY',
      'and OPENAI_API_KEY_FILE are both set: keep one, the file if the key is to be rotated',
    )
  }
  if (!apiKey && !apiKeyFile && !azure) {
    read.problem(
      'OPENAI_API_KEY',
      'is missing: set it, or OPENAI_API_KEY_FILE to a mounted secret, or AZURE_OPENAI_ENDPOINT to use Azure OpenAI with an identity',
    )
  }
  if (apiKeyFile && !existsSync(apiKeyFile)) {
    read.problem('OPENAI_API_KEY_FILE', 'names a file that does not exist: mount the secret, or correct the path')
  }
  for (const [name, url] of [
    ['OPENAI_BASE_URL', base],
    ['AZURE_OPENAI_ENDPOINT', azure],
  ] as const) {
    if (url?.startsWith('http:') && !loopbackHosts.test(new URL(url).hostname)) {
      read.problem(
        name,
        'must be https: the key and the incidents would travel in the clear; http is for loopback only',
      )
    }
  }
  const provider = azure ? 'azure' : base && new URL(base).hostname !== 'api.openai.com' ? 'compatible' : 'openai'
  const azureBase = azure?.replace(/\/openai(\/v1)?$/, '')
  return {
    provider,
    baseUrl: azureBase ? `${azureBase}/openai/v1` : (base ?? 'https://api.openai.com/v1'),
    apiKey,
    apiKeyFile,
    tokenScope: azureTokenScope(azure, resourceManagerUrl),
    model: read.text('OPENAI_MODEL'),
  }
}

function readState(read: VariableReader): StateConfiguration {
  const store = read.oneOf('STATE_STORE', ['table', 'memory'], 'table')
  const tablesUrl = read.url('AZURE_TABLES_URL')
  const tablesConnectionString = read.text('AZURE_TABLES_CONNECTION_STRING')
  if (store === 'table' && !tablesUrl && !tablesConnectionString) {
    read.problem(
      'AZURE_TABLES_URL',
      "is missing: set it to the storage account's table endpoint (https://account.table.core.windows.net), or set AZURE_TABLES_CONNECTION_STRING; STATE_STORE=memory does without, for one replica",
    )
  }
  if (tablesUrl && tablesConnectionString) {
    read.problem('AZURE_TABLES_URL', 'and AZURE_TABLES_CONNECTION_STRING are both set: keep one of them')
  }
  if (tablesUrl?.startsWith('http:')) {
    read.problem('AZURE_TABLES_URL', 'must be https: the identity signs in there')
  }
  return { store, tablesUrl, tablesConnectionString }
}

function readRetry(read: VariableReader): RetryConfiguration {
  const retry = {
    maxAttempts: read.number('MAX_ATTEMPTS', 8, { min: 0, max: 100 }),
    baseMs: read.number('RETRY_BASE_SECONDS', 15, { min: 0.01, max: 86_400, whole: false }) * 1000,
    maxMs: read.number('RETRY_MAX_SECONDS', 3600, { min: 0.01, max: 604_800, whole: false }) * 1000,
  }
  if (retry.maxMs < retry.baseMs) {
    read.problem('RETRY_MAX_SECONDS', 'is smaller than RETRY_BASE_SECONDS: make it at least as large')
  }
  return retry
}

/** The folder of this file: `worker/` in the source, `dist/` in the bundle; the shipped playbooks lie below it in both. */
const here = fileURLToPath(new URL('.', import.meta.url))

function readPlaybookFile(read: VariableReader): string {
  const name = read.text('PLAYBOOK') ?? 'worker/playbooks/recommended-steps.yaml'
  const file = findPlaybook(name)
  if (!file) {
    read.problem(
      'PLAYBOOK',
      `names a file that does not exist (${name}): give a path, or the name of a shipped playbook`,
    )
  }
  return file ?? name
}

/** Finds a playbook by path, or a shipped one by its path in the repository or its bare name. */
export function findPlaybook(name: string): string | undefined {
  const shipped = name.replace(/^worker\/playbooks\//, '')
  const candidates = [
    isAbsolute(name) ? name : resolve(name),
    ...(shipped.includes('/') ? [] : [`${here}playbooks/${shipped}`, `${here}playbooks/${shipped}.yaml`]),
  ]
  return candidates.find((file) => existsSync(file))
}

/** Loads `.env` of the working folder where there is one; a variable that is set already wins. Not in production images. */
export function loadDotEnv(env: Environment = process.env): void {
  if (env.NODE_ENV === 'production' || !existsSync('.env')) return
  process.loadEnvFile('.env')
  const { NODE_EXTRA_CA_CERTS: file } = parseEnv(readFileSync('.env', 'utf8'))
  // Node reads the variable before any code runs; from a file it comes too late, so its certificates are added by hand.
  if (file && existsSync(file)) {
    setDefaultCACertificates([...getCACertificates('default'), readFileSync(file, 'utf8')])
  }
}

/** The key file's content without the newline that editors and secret mounts add. */
export function readKeyFile(file: string): string {
  return readFileSync(file, 'utf8').trim()
}
