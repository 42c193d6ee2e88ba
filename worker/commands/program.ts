import { Command, type CommanderError } from 'commander'
import type { BackfillOptions } from './backfill.ts'
import { addDlqCommands } from './dlq/commands.ts'
import { guarded } from './guarded.ts'
import type { RunOptions } from './run.ts'

/** Exit codes of the contract: done, not done, wrong usage. */
export const exitCode = { ok: 0, failed: 1, usage: 2 } as const

/** `enricher` and its commands. Wrong usage and wrong configuration end with 2, everything that failed with 1. */
export function createProgram(): Command {
  const program = new Command('enricher')
    .description(
      'Enriches Microsoft Sentinel incidents from a Service Bus queue with a language model: tasks and a tag.',
    )
    .version('0.1.0')
    .showHelpAfterError('(enricher --help lists the commands)')
    .addHelpText(
      'after',
      `
Examples:
  enricher check                       one real call to every dependency
  enricher run                         the worker
  enricher dlq list                    what failed, in groups
  enricher backfill --since 24h --dry-run

The environment configures everything; .env.example explains each variable.
Every command has --help with an example.`,
    )
    .exitOverride((error: CommanderError) => {
      process.exit(error.exitCode === 0 ? exitCode.ok : exitCode.usage)
    })

  addRun(program)
  addEnqueue(program)
  addBackfill(program)
  addDlqCommands(program)
  addCheck(program)
  addPlaybook(program)

  inherit(program)
  return program
}

function addRun(program: Command): void {
  program
    .command('run')
    .description('take incidents from the queue and enrich them, until SIGTERM or SIGINT')
    .option('--drain', 'end by itself once the queue is empty: for Container Apps jobs and tests')
    .option('--idle <seconds>', 'with --drain: how long the queue must have been empty (default: 5)')
    .addHelpText(
      'after',
      `
Example:
  SERVICEBUS_NAMESPACE=contoso.servicebus.windows.net \\
  SENTINEL_WORKSPACES=/subscriptions/…/resourceGroups/rg-soc/providers/Microsoft.OperationalInsights/workspaces/law-soc \\
  OPENAI_API_KEY_FILE=/mnt/secrets/openai AZURE_TABLES_URL=https://contoso.table.core.windows.net enricher run

  enricher run --drain --idle 10

Copies that are scheduled for later do not keep --drain waiting. The identity
needs Azure Service Bus Data Receiver and Sender, Microsoft Sentinel Responder,
Storage Table Data Contributor, and for Azure OpenAI its Cognitive Services
OpenAI User.
Exit code: 0 after a clean drain, 1 if it could not start or had to give up,
2 for a wrong configuration. A second signal ends it at once; what was in flight
comes back to the queue when its locks end.`,
    )
    .action(guarded(async (options: RunOptions) => (await import('./run.ts')).run(options)))
}

function addEnqueue(program: Command): void {
  program
    .command('enqueue')
    .description('put incident ids on the queue, each with its deterministic message id')
    .argument('[arm-id...]', "incidents' ARM ids")
    .option('-f, --file <file>', 'a file with one ARM id or JSON message per line; - reads standard input')
    .option('--json', 'print the result as JSON')
    .addHelpText(
      'after',
      `
Examples:
  enricher enqueue /subscriptions/…/providers/Microsoft.SecurityInsights/Incidents/73e01a99-5cd7-4139-a149-9f2736ff2ab5
  enricher enqueue --file incidents.txt
  enricher enqueue --file discarded.jsonl

The same incident twice is one message while the queue's duplicate detection
remembers it. The identity needs Azure Service Bus Data Sender.
Exit code: 0 all sent, 1 some were not, 2 wrong usage.`,
    )
    .action(
      guarded(async (ids: string[], options: { file?: string; json?: boolean }) =>
        (await import('./enqueue.ts')).enqueue(ids, options),
      ),
    )
}

function addBackfill(program: Command): void {
  program
    .command('backfill')
    .description('find incidents in Sentinel that lack the tag, and put them on the queue')
    .option('--workspace <arm-id...>', 'workspaces to look at (default: those of SENTINEL_WORKSPACES)')
    .option('--since <time>', 'created at or after: an age such as 24h, or an ISO time', '24h')
    .option('--until <time>', 'created before (default: now)')
    .option('--severity <word...>', 'High, Medium, Low, Informational (default: all)')
    .option('--status <word...>', 'New, Active (default: both)')
    .option('--limit <n>', 'at most this many, the oldest first')
    .option('--rate <n/s>', 'at most this many per second (10/s), or per minute (30/min)')
    .option('--journal <file>', "where the run's record is kept (default: in the user's state folder)")
    .option('--dry-run', 'show what would be sent, and send nothing')
    .option('--json', 'print the outcome as JSON')
    .addHelpText(
      'after',
      `
Examples:
  enricher backfill --since 24h --dry-run
  enricher backfill --workspace /subscriptions/…/workspaces/law-soc --since 7d \\
    --severity High Medium --rate 5/s

Incidents that a worker is enriching right now are left out. A run that was
interrupted goes on with the same command. The identity needs Microsoft Sentinel
Reader on the workspaces, Azure Service Bus Data Sender on the queue, and
Storage Table Data Reader on the run record.
Exit code: 0 all sent, 1 some were not, 2 wrong usage.`,
    )
    .action(guarded(async (options: BackfillOptions) => (await import('./backfill.ts')).backfill(options)))
}

function addCheck(program: Command): void {
  program
    .command('check')
    .description('try everything that the worker needs, with one real call each: a line per result')
    .option('--write <arm-id>', 'also write a task on this incident, and delete it again')
    .option('--json', 'print the results as JSON')
    .addHelpText(
      'after',
      `
Examples:
  enricher check
  enricher check --write /subscriptions/…/providers/Microsoft.SecurityInsights/Incidents/73e01a99-5cd7-4139-a149-9f2736ff2ab5

Each line says passed, warning or failed; what failed says what to do, such as
the missing role and the command that grants it. It takes the worker's own
roles; the queue's settings can only be read with Azure Service Bus Data Owner,
and are otherwise left out. The model's answer costs a few tokens.
Exit code: 0 nothing failed, 1 something did, 2 wrong usage.`,
    )
    .action(guarded(async (options: { write?: string; json?: boolean }) => (await import('./check.ts')).check(options)))
}

function addPlaybook(program: Command): void {
  const playbook = program
    .command('playbook')
    .description('check a playbook file, or see what it would send')
    .addHelpText(
      'after',
      `
Examples:
  enricher playbook check my-steps.yaml
  enricher playbook preview recommended-steps --incident incident.json`,
    )
  playbook
    .command('check')
    .description('find every problem of a playbook file, by line and field')
    .argument('<file>', 'a path, or the name of a shipped playbook')
    .option('--json', 'print the result as JSON')
    .addHelpText(
      'after',
      `
Examples:
  enricher playbook check my-steps.yaml
  enricher playbook check recommended-steps-economy

It connects to nothing and needs no identity.
Exit code: 0 it can be used, 1 it has problems, 2 wrong usage.`,
    )
    .action(
      guarded(async (file: string, options: { json?: boolean }) =>
        (await import('./playbook.ts')).checkPlaybook(file, options),
      ),
    )
  playbook
    .command('preview')
    .description('the exact messages for an incident, their tokens and cost; no model is asked')
    .argument('<file>', 'a path, or the name of a shipped playbook')
    .requiredOption('--incident <file>', 'JSON of an incident, or of a trigger; - reads standard input')
    .option('--model <name>', "whose price to use (default: OPENAI_MODEL, or the playbook's)")
    .option('--json', 'print everything as JSON')
    .addHelpText(
      'after',
      `
Example:
  enricher playbook preview recommended-steps --incident incident.json

It connects to nothing and needs no identity.
Exit code: 0 shown, 1 the file holds no incident, or one that does not fit
TOKENS_PER_INCIDENT, 2 wrong usage or a playbook that cannot be used.`,
    )
    .action(
      guarded(async (file: string, options: { incident: string; model?: string; json?: boolean }) =>
        (await import('./playbook.ts')).showPreview(file, options),
      ),
    )
}

/** Every command, at any depth, ends a wrong usage with 2 and shows its help the same way. */
function inherit(parent: Command, path: string = parent.name()): void {
  for (const command of parent.commands) {
    const own = `${path} ${command.name()}`
    command.copyInheritedSettings(parent).showHelpAfterError(`(${own} --help shows what it takes)`)
    inherit(command, own)
  }
}
