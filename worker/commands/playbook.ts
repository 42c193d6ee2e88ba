import { readFileSync } from 'node:fs'
import { Failure } from '../../shared/failure.ts'
import { IncidentBudget } from '../budget/incident-budget.ts'
import { priceOf } from '../budget/prices.ts'
import { findPlaybook, readTokensPerIncident } from '../configuration.ts'
import { planExchanges } from '../conversation/converse.ts'
import { fitEvidence, leastRoom, plannedTokens } from '../conversation/fit-evidence.ts'
import { loadPlaybook, type Playbook, PlaybookError } from '../playbooks/load-playbook.ts'
import { type Preview, previewPlaybook } from '../playbooks/preview.ts'
import { readIncidentFile } from '../playbooks/read-incident-file.ts'
import { incidentContext } from '../sentinel/incident-context.ts'
import { UsageError } from './explain-failure.ts'
import { columnsOf, harmless, paint, tell } from './terminal/paint.ts'
import { renderTable } from './terminal/table.ts'

/** `enricher playbook check`. @returns 0 when it can be used, 1 with every problem when it cannot */
export async function checkPlaybook(name: string, options: { json?: boolean }): Promise<number> {
  try {
    const playbook = load(name)
    const leastTokens = await leastTokensOf(playbook)
    process.stdout.write(
      options.json
        ? `${JSON.stringify({ valid: true, ...summaryOf(playbook), leastTokens })}\n`
        : describe(playbook, leastTokens),
    )
    return 0
  } catch (error) {
    if (!(error instanceof PlaybookError)) throw error
    if (options.json) process.stdout.write(`${JSON.stringify({ valid: false, problems: error.problems })}\n`)
    else process.stderr.write(`The playbook cannot be used:\n${error.problems.map((one) => `  - ${one}\n`).join('')}`)
    return 1
  }
}

/** `enricher playbook preview`: the exact messages, their sizes, and what they cost at most. It asks no model. */
export async function showPreview(
  name: string,
  options: { incident: string; model?: string; json?: boolean },
): Promise<number> {
  const playbook = load(name)
  const filed = readIncidentFile(readText(options.incident))
  if (!filed) {
    tell(
      `${options.incident} holds no incident: save one as the Sentinel API answers it, or the trigger's body from a Logic App's run.`,
    )
    return 1
  }
  const model = options.model ?? (process.env.OPENAI_MODEL?.trim() || playbook.model)
  const context = incidentContext(filed.incident, filed.alerts, filed.entities)
  const ceiling = readTokensPerIncident(process.env)
  const plan = {
    playbook,
    answers: new Map(),
    budget: new IncidentBudget(ceiling, { spentTokens: 0, calls: 0 }, model),
  }
  const fitted = await fitEvidence(context, plan).catch((error: unknown) => {
    if (!(error instanceof Failure)) throw error
    tell(`The incident would be dead-lettered as ${error.reason}, whatever is cut of it. ${error.message}`)
  })
  if (!fitted) return 1
  const preview = previewPlaybook(playbook, model, fitted)
  process.stdout.write(
    options.json ? `${JSON.stringify({ playbook: playbook.name, ...preview })}\n` : asText(playbook, preview, ceiling),
  )
  return 0
}

function load(name: string): Playbook {
  const file = findPlaybook(name)
  if (!file) throw new UsageError(`There is no file ${name}, and no shipped playbook of that name.`)
  return loadPlaybook(file)
}

function readText(file: string): string {
  try {
    return readFileSync(file === '-' ? 0 : file, 'utf8')
  } catch {
    throw new UsageError(`The file ${file} cannot be read.`)
  }
}

function summaryOf(playbook: Playbook) {
  const { name, version, model, tag, steps, uses, priority, turns } = playbook
  const writes = {
    tasks: turns.filter((turn) => turn.task).length,
    comments: turns.filter((turn) => turn.comment).length,
  }
  const calls = planExchanges(playbook).length
  return { name, version, model, tag, steps, uses, priority, calls, writes, priceKnown: priceOf(model) !== undefined }
}

/** Tokens below which no incident fits. */
async function leastTokensOf(playbook: Playbook): Promise<number> {
  const bare = incidentContext({ properties: { title: '', severity: '', status: '' } }, [], [])
  const budget = new IncidentBudget(Number.POSITIVE_INFINITY, { spentTokens: 0, calls: 0 }, playbook.model)
  return await plannedTokens(bare, { playbook, answers: new Map(), budget }, leastRoom)
}

function describe(playbook: Playbook, leastTokens: number): string {
  const { calls, priceKnown } = summaryOf(playbook)
  const rows = playbook.turns.map((turn) => [
    turn.name,
    turn.forEachStep ? String(playbook.steps) : '1',
    turn.continues ?? '-',
    String(turn.maxCompletionTokens),
    [turn.task ? (turn.task.forEach ? `${playbook.steps} tasks` : 'a task') : '', turn.comment ? 'a comment' : '']
      .filter(Boolean)
      .join(', ') || '-',
  ])
  const columns = [
    { title: 'TURN', flexible: true },
    { title: 'CALLS', align: 'right' as const },
    { title: 'CONTINUES', flexible: true },
    { title: 'MOST TOKENS', align: 'right' as const },
    { title: 'EACH WRITES', flexible: true },
  ]
  const price = priceKnown ? '' : `, whose price is not known`
  return [
    `${paint('bold', playbook.name)}, version ${playbook.version}: ${calls} calls of ${harmless(playbook.model)}${price}; tag ${harmless(playbook.tag)}\n\n`,
    renderTable(columns, rows, columnsOf()),
    `\nAn incident takes at least ${leastTokens} tokens (TOKENS_PER_INCIDENT here: ${readTokensPerIncident(process.env)}).\n`,
    `Cut where it does not fit, in this order: ${playbook.priority.toReversed().join(', ') || 'nothing'}.\n`,
    '\nThe playbook can be used.\n',
  ].join('')
}

function asText(playbook: Playbook, preview: Preview, ceiling: number): string {
  const parts: string[] = []
  for (const call of preview.calls) {
    parts.push(`${paint('bold', `── ${call.key} ${'─'.repeat(Math.max(0, columnsOf() - call.key.length - 4))}`)}\n`)
    for (const { role, content } of call.messages) {
      parts.push(
        `${paint('cyan', role)}\n`,
        ...content
          .trimEnd()
          .split('\n')
          .map((line) => `  ${harmless(line)}\n`),
      )
    }
    parts.push('\n')
  }
  const rows = preview.calls.map((call) => [
    call.key,
    String(call.promptTokens),
    call.earlierAnswerTokens > 0 ? `+ ${call.earlierAnswerTokens}` : '',
    String(call.maxCompletionTokens),
  ])
  const { mostPromptTokens, mostCompletionTokens, mostUsd, model } = preview
  rows.push(['at most', String(mostPromptTokens), '', String(mostCompletionTokens)])
  const table = renderTable(
    [
      { title: 'CALL', flexible: true },
      { title: 'PROMPT TOKENS', align: 'right' },
      { title: 'EARLIER ANSWERS', align: 'right' },
      { title: 'COMPLETION, AT MOST', align: 'right' },
    ],
    rows,
    columnsOf(),
  )
  const money = mostUsd === undefined ? 'its price is not known' : `at most $${mostUsd.toFixed(4)} at list price`
  const cut = preview.leftOut.map(
    ({ part, left, of }) => `${left} of ${of} ${part === 'description' ? 'characters of the description' : part}`,
  )
  if (cut.length > 0) parts.push(`Left out to fit TOKENS_PER_INCIDENT (${ceiling}): ${cut.join(', ')}.\n\n`)
  parts.push(table, `\n${playbook.name} on ${harmless(model)}: ${money}. No model was asked.\n`)
  return parts.join('')
}
