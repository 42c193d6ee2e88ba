import { parseIncidentArmId } from '../../shared/arm-id.ts'
import { type Configuration, readConfiguration } from '../configuration.ts'
import { loadPlaybook, type Playbook, PlaybookError } from '../playbooks/load-playbook.ts'
import { checkIdentity } from '../preflight/check-identity.ts'
import { checkModel } from '../preflight/check-model.ts'
import { checkQueue } from '../preflight/check-queue.ts'
import { bounded, type CheckResult } from '../preflight/check-result.ts'
import { checkTables } from '../preflight/check-tables.ts'
import { checkWorkspaces, checkWrite } from '../preflight/check-workspaces.ts'
import { ConfigurationError } from '../read-variables.ts'
import { createTableClient } from '../runs/open-run-store.ts'
import { runsTable } from '../runs/table-run-store.ts'
import { UsageError } from './explain-failure.ts'
import { openSentinel, operatorCredential } from './operator-parts.ts'
import { columnsOf, harmless, paint, wrap } from './terminal/paint.ts'

const limitMs = 20_000

/** `enricher check`: one real call to every dependency, a line each. @returns 0 when none failed, 1 else */
export async function check(options: { write?: string; json?: boolean }): Promise<number> {
  const incident = options.write === undefined ? undefined : parseIncidentArmId(options.write)
  if (options.write !== undefined && !incident)
    throw new UsageError(`--write takes an incident's ARM id, not ${options.write}.`)
  const results: CheckResult[] = []
  const tell = (some: CheckResult[]) => {
    results.push(...some)
    if (!options.json) for (const one of some) process.stdout.write(lineOf(one))
  }
  const { configuration, playbook, problems } = readAll()
  tell(problems)
  if (configuration) {
    const credential = operatorCredential(configuration)
    let principal: string | undefined
    tell(
      await bounded('identity', limitMs, async (signal) => {
        const found = await checkIdentity(credential, configuration.resourceManagerUrl, signal)
        principal = found.identity?.objectId
        return found.results
      }),
    )
    const sentinel = openSentinel(configuration)
    const { state, model } = configuration
    const checks = [
      bounded('queue', limitMs, (signal) => checkQueue(configuration.queue, credential, principal, signal)),
      bounded('workspaces', limitMs, (signal) =>
        checkWorkspaces(configuration.workspaces, sentinel, principal, signal),
      ),
      ...(incident
        ? [
            bounded('write', limitMs, (signal) =>
              checkWrite(incident, configuration.workspaces, sentinel, principal, signal),
            ),
          ]
        : []),
      ...(playbook
        ? [
            bounded('model', limitMs, (signal) =>
              checkModel(model, model.model ?? playbook.model, credential, principal, signal),
            ),
          ]
        : []),
      state.store === 'memory'
        ? Promise.resolve([memoryState])
        : bounded('tables', limitMs, (signal) =>
            checkTables(createTableClient(state, runsTable, credential), principal, signal),
          ),
    ]
    for (const one of checks) tell(await one)
  }
  const failed = results.filter((one) => one.status === 'failed').length
  const warnings = results.filter((one) => one.status === 'warning').length
  if (options.json) process.stdout.write(`${JSON.stringify({ passed: failed === 0, results })}\n`)
  else process.stdout.write(`\n${failed === 0 ? 'Nothing failed' : `${failed} failed`}, ${warnings} to look at.\n`)
  return failed === 0 ? 0 : 1
}

const memoryState: CheckResult = {
  what: 'tables',
  status: 'warning',
  says: 'STATE_STORE=memory: for one replica only, and a restart forgets which answers were paid for',
  todo: 'Set AZURE_TABLES_URL for anything but a trial.',
}

function readAll(): { configuration?: Configuration; playbook?: Playbook; problems: CheckResult[] } {
  let configuration: Configuration
  try {
    configuration = readConfiguration(process.env)
  } catch (error) {
    if (!(error instanceof ConfigurationError)) throw error
    return { problems: error.problems.map((says) => ({ what: 'configuration', status: 'failed', says })) }
  }
  const read: CheckResult = { what: 'configuration', status: 'passed', says: 'complete and without contradictions' }
  try {
    const playbook = loadPlaybook(configuration.playbookFile)
    const says = `${playbook.name}, version ${playbook.version}, ${playbook.turns.length} turns, tag ${playbook.tag}`
    return { configuration, playbook, problems: [read, { what: 'playbook', status: 'passed', says }] }
  } catch (error) {
    const problems = error instanceof PlaybookError ? error.problems : ['the file cannot be read']
    return {
      configuration,
      problems: [read, ...problems.map((says): CheckResult => ({ what: 'playbook', status: 'failed', says }))],
    }
  }
}

const statusStyle = { passed: 'green', warning: 'yellow', failed: 'red' } as const
const statusWidth = 8

function lineOf({ what, status, says, todo }: CheckResult): string {
  const head = `${paint(statusStyle[status], status.padEnd(statusWidth))}${wrap(`${what}: ${harmless(says)}`, columnsOf(), statusWidth)}\n`
  // Not wrapped: a command must survive copying.
  return todo === undefined ? head : `${head}${' '.repeat(statusWidth)}${paint('dim', '→')} ${harmless(todo)}\n`
}
