import type { Command } from 'commander'
import { guarded } from '../guarded.ts'
import type { MoveOptions } from './move-command.ts'
import { withSelection } from './selection-options.ts'

const exitOfMove = `
Exit code: 0 all moved, 1 some remain or failed, 2 wrong usage.`

/** `enricher dlq …`: what an operator does with dead letters. */
export function addDlqCommands(program: Command): void {
  const dlq = program
    .command('dlq')
    .description('see, replay and discard dead letters')
    .addHelpText(
      'after',
      `
Examples:
  enricher dlq list
  enricher dlq show 4711
  enricher dlq replay --reason AccessDenied --dry-run
  enricher dlq discard --reason InvalidMessage --export invalid.jsonl`,
    )

  withSelection(dlq.command('list'))
    .description('dead letters in groups of reason, dependency and error code')
    .option('--json', 'print the groups as JSON')
    .addHelpText(
      'after',
      `
Examples:
  enricher dlq list
  enricher dlq list --workspace law-soc-europe --after 24h --json

It looks without locking anything. The identity needs Azure Service Bus Data
Receiver.
Exit code: 0 none left, 1 some, 2 wrong usage.`,
    )
    .action(guarded(async (options: { json?: boolean }) => (await import('./list.ts')).dlqList(options)))

  dlq
    .command('show')
    .description('one dead letter: its failure and what to do, its incident, history, properties and body')
    .argument('<sequence-number>', 'as dlq list shows it')
    .option('--json', 'print everything as JSON')
    .addHelpText(
      'after',
      `
Example:
  enricher dlq show 4711

It locks nothing. The identity needs Azure Service Bus Data Receiver.
Exit code: 0 shown, 1 not there, 2 wrong usage.`,
    )
    .action(
      guarded(async (number: string, options: { json?: boolean }) =>
        (await import('./show.ts')).dlqShow(number, options),
      ),
    )

  withMoving(withSelection(dlq.command('replay')))
    .description('put the selected dead letters back on the queue')
    .option('--max-replays <n>', 'leave alone what was replayed this often (default: 5)')
    .addHelpText(
      'after',
      `
Examples:
  enricher dlq replay --reason AccessDenied --workspace law-soc --dry-run
  enricher dlq replay --dependency model --before 2h --rate 10/s --yes
  enricher dlq replay --sequence 4711 4712 --yes

What dies after the start is never picked up by the same run. A run that was
interrupted goes on with the same command; one whose messages come back dead
stops by itself. The identity needs Azure Service Bus Data Receiver and Sender;
with Storage Table Data Reader the question can say what it will cost.
${exitOfMove}`,
    )
    .action(guarded(async (options: MoveOptions) => (await import('./move-command.ts')).dlqReplay(options)))

  withMoving(withSelection(dlq.command('discard')))
    .description('export the selected dead letters to a file, then remove them')
    .option('--export <file>', 'a new file of JSON lines; enricher enqueue --file takes it')
    .addHelpText(
      'after',
      `
Example:
  enricher dlq discard --reason IncidentNotFound --export gone.jsonl --yes

Each line is on disk before its dead letter is removed. The identity needs Azure
Service Bus Data Receiver.
${exitOfMove}`,
    )
    .action(guarded(async (options: MoveOptions) => (await import('./move-command.ts')).dlqDiscard(options)))
}

function withMoving(command: Command): Command {
  return command
    .option('--limit <n>', 'at most this many, the oldest first')
    .option('--rate <n/s>', 'at most this many per second (10/s), or per minute (30/min)')
    .option('--ramp <seconds>', 'how long each step of 1, 2, 5, 10, … lasts at the start (default: 0.25)')
    .option('--no-ramp', 'full speed from the start')
    .option('--journal <file>', "where the run's record is kept (default: in the user's state folder)")
    .option('--dry-run', 'show what would move, and move nothing')
    .option('-y, --yes', 'do not ask')
    .option('--json', 'print the outcome as JSON')
}
