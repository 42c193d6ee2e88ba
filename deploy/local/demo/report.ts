import { styleText } from 'node:util'
import type { Incident } from '../sentinel/resources.ts'
import type { Stack } from '../start-stack.ts'
import { spendLines } from './spend.ts'

/** A worker's log line about a settled message. */
export interface SettledLine {
  event?: string
  /** As the log writes it. */
  time?: string | number
  incident?: string
  workspace?: string
  model?: string
  costUsd?: number
  ms?: number
  promptTokens?: number
  completionTokens?: number
  calls?: number
  reason?: string
}

const tag = 'ai-enriched'

const colors = process.stdout.isTTY && process.env.NO_COLOR === undefined
const paint = (style: Parameters<typeof styleText>[0], text: string) => (colors ? styleText(style, text) : text)
const print = (line = '') => process.stdout.write(`${line}\n`)

/** Prints what happened, as the simulators witnessed it. @returns whether everything is as promised */
export function printReport(run: {
  stack: Stack
  incidents: Incident[]
  lines: SettledLine[]
  elapsedMs: number
  ownModel: boolean
  sent: number
}): boolean {
  const { stack, incidents, lines } = run
  const { store } = stack.sentinel
  const problems: string[] = []
  const totals = { prompt: 0, completion: 0, calls: 0, tasks: 0 }

  print()
  print(
    paint(
      'bold',
      `${pad('incident', 52)}${pad('severity', 15)}${pad('outcome', 10)}${pad('tasks', 7)}${pad('tokens', 8)}seconds`,
    ),
  )
  for (const before of incidents) {
    const line = lines.find((one) => one.event === 'incident.enriched' && one.incident === before.name)
    const now = store.incident(before.id)
    const tasks = store.tasks(before.id)
    const tokens = (line?.promptTokens ?? 0) + (line?.completionTokens ?? 0)
    totals.prompt += line?.promptTokens ?? 0
    totals.completion += line?.completionTokens ?? 0
    totals.calls += line?.calls ?? 0
    totals.tasks += tasks.length
    const labels = (now.properties.labels ?? []).map((label) => label.labelName)
    const kept = (before.properties.labels ?? []).every((label) => labels.includes(label.labelName))
    const right = tasks.length === 3 && tasks.every((task) => task.writes === 1) && labels.includes(tag) && kept
    if (!right) problems.push(`${before.name} has ${tasks.length} tasks and the labels ${labels.join(', ') || 'none'}`)
    print(
      pad(shorten(before.properties.title, 50), 52) +
        pad(before.properties.severity, 15) +
        paint(right ? 'green' : 'red', pad(right ? 'enriched' : 'wrong', 10)) +
        pad(String(tasks.length), 7) +
        pad(String(tokens), 8) +
        ((line?.ms ?? 0) / 1000).toFixed(1),
    )
  }

  const [example] = incidents
  if (example) printIncident(stack, example)

  const dead = stack.broker.inspect(stack.environment.SERVICEBUS_QUEUE ?? 'incidents')
  print(paint('bold', '\nDead letters'))
  for (const letter of dead.deadLettered) {
    print(`  ${paint('yellow', letter.deadLetterReason ?? '?')}: ${letter.deadLetterDescription ?? ''}`)
  }
  const reasons = dead.deadLettered.map((letter) => letter.deadLetterReason).sort()
  if (reasons.join() !== 'InvalidMessage,WorkspaceNotAllowed')
    problems.push(`the dead letters are: ${reasons.join(', ') || 'none'}`)
  const skipped = lines.filter((line) => line.event === 'incident.skipped').length
  if (skipped !== 1) problems.push(`${skipped} messages were skipped instead of the one that came twice`)
  const left = dead.active.length + dead.scheduled.length
  if (left > 0) problems.push(`${left} messages are still on the queue`)

  print(paint('bold', '\nTotals'))
  print(
    `  ${run.sent} messages: ${incidents.length} enriched with ${totals.tasks} tasks, ${skipped} skipped (sent twice), ${dead.deadLettered.length} dead-lettered`,
  )
  print(`  ${totals.calls} completions, ${totals.prompt} prompt and ${totals.completion} completion tokens`)
  for (const line of spendLines(lines, run.ownModel)) print(`  ${line}`)
  print(`  ${(run.elapsedMs / 1000).toFixed(1)} s, two workers`)

  if (problems.length > 0) {
    print(paint('red', '\nNot as promised:'))
    for (const problem of problems) print(`  - ${problem}`)
    return false
  }
  print(
    paint(
      'green',
      '\nEverything is as promised: three tasks in order and one tag per incident, nothing lost, nothing doubled.',
    ),
  )
  print('\nNext:')
  print('  OPENAI_API_KEY=… npm run demo      the same with a real model')
  print('  npm run stack                      only the stack, to run a worker against by hand')
  print('  node_modules/.bin/node worker/main.ts --help')
  return true
}

/** One incident as an analyst sees it. */
function printIncident(stack: Stack, before: Incident): void {
  const now = stack.sentinel.store.incident(before.id)
  print(paint('bold', '\nOne incident in full'))
  print(
    `  #${now.properties.incidentNumber} ${now.properties.title}  [${now.properties.severity}, ${now.properties.status}]`,
  )
  print(`  labels: ${(now.properties.labels ?? []).map((label) => label.labelName).join(', ')}`)
  for (const task of stack.sentinel.store.tasks(before.id)) {
    print(`\n  ${paint('cyan', `☐ ${task.properties.title}`)}`)
    for (const line of asText(task.properties.description ?? '')) print(`    ${line}`)
  }
}

/** The task's HTML as a terminal shows it, wrapped. */
function asText(html: string): string[] {
  const entities: Record<string, string> = { amp: '&', lt: '<', gt: '>', quot: '"' }
  return html
    .replace(/<li>/g, '\n- ')
    .replace(/<br>|<\/p>|<\/[uo]l>/g, '\n')
    .replace(/<[^>]+>/g, '')
    .replace(/&(?:#(\d+)|(\w+));/g, (_, code: string | undefined, name: string) =>
      code ? String.fromCodePoint(Number(code)) : (entities[name] ?? ''),
    )
    .split('\n')
    .filter((line) => line.trim() !== '')
    .flatMap((line) => wrap(line, 92))
}

function wrap(line: string, width: number): string[] {
  const out: string[] = []
  let current = ''
  for (const word of line.split(' ')) {
    if (current && current.length + word.length + 1 > width) {
      out.push(current)
      current = `  ${word}`
    } else current = current ? `${current} ${word}` : word
  }
  return [...out, current]
}

const pad = (text: string, width: number) => text.padEnd(width)
const shorten = (text: string, width: number) => (text.length <= width ? text : `${text.slice(0, width - 1)}…`)
