import { readFileSync } from 'node:fs'
import { isScalar, LineCounter, parseDocument } from 'yaml'
import * as z from 'zod'
import { type PlaybookFile, playbookSchema, type TurnFile } from './playbook-schema.ts'
import { type PlaybookTemplate, parseTemplate, TemplateError, type TemplateRole } from './templates.ts'

export interface TurnTask {
  forEach: string | undefined
  title: PlaybookTemplate
  description: PlaybookTemplate
}

export interface Turn {
  name: string
  prompt: PlaybookTemplate
  forEachStep: boolean
  continues: string | undefined
  maxCompletionTokens: number
  temperature: number | undefined
  reasoningEffort: TurnFile['reasoningEffort']
  /** The JSON schema as it goes to the model, and the check of what comes back. */
  schema: { json: Record<string, unknown>; check: z.ZodType } | undefined
  task: TurnTask | undefined
  comment: PlaybookTemplate | undefined
}

export interface Playbook {
  name: string
  version: number
  model: string
  tag: string
  steps: number
  system: PlaybookTemplate
  turns: Turn[]
  evidence: PlaybookFile['evidence']
  /** Parts of the incident that may be cut, the most important first. */
  priority: PlaybookFile['priority']
  safety: PlaybookFile['safety']
  /** What its templates look at, so that nothing else is fetched. */
  uses: { alerts: boolean; entities: boolean }
}

/** All problems of a playbook file, each as `file:line field: sentence`. */
export class PlaybookError extends Error {
  readonly problems: string[]
  constructor(problems: string[]) {
    super(problems.join('\n'))
    this.name = 'PlaybookError'
    this.problems = problems
  }
}

const incidentNames = [
  'incident.title',
  'incident.description',
  'incident.severity',
  'incident.status',
  'incident.number',
  'incident.tactics',
  'incident.techniques',
  'incident.alerts',
  'incident.entities',
]
const outputNames = [...incidentNames, 'steps']
const promptNames = [...outputNames, 'evidence']
const maxFileBytes = 1_000_000

/** Reads a playbook file. @throws PlaybookError with every problem, by file, line and field. */
export function loadPlaybook(file: string): Playbook {
  const source = readFileSync(file, 'utf8')
  if (source.length > maxFileBytes) throw new PlaybookError([`${file}: has over 1 MB`])
  return parsePlaybook(source, file)
}

/** As loadPlaybook, from text; `file` is for the messages. */
export function parsePlaybook(source: string, file: string): Playbook {
  const lines = new LineCounter()
  // Aliases are of no use in a playbook, and a few nested ones expand to gigabytes.
  const document = parseDocument(source, { lineCounter: lines, prettyErrors: false })
  const syntax = document.errors.map((error) => `${file}:${lines.linePos(error.pos[0]).line} ${error.message}`)
  if (syntax.length > 0) throw new PlaybookError(syntax)
  let value: unknown
  try {
    value = document.toJS({ maxAliasCount: 0 })
  } catch {
    throw new PlaybookError([`${file}: uses YAML aliases, which playbooks do not support; write the text out`])
  }
  const at = (path: readonly PropertyKey[]): { line: number; textLine: number } => {
    for (let length = path.length; length >= 0; length--) {
      const node = document.getIn(path.slice(0, length), true)
      const range = (node as { range?: [number, number, number] } | null | undefined)?.range
      if (range) {
        const line = lines.linePos(range[0]).line
        const block = isScalar(node) && (node.type === 'BLOCK_LITERAL' || node.type === 'BLOCK_FOLDED')
        return { line, textLine: block ? line + 1 : line }
      }
    }
    return { line: 1, textLine: 1 }
  }
  const parsed = playbookSchema.safeParse(value, { reportInput: true })
  if (!parsed.success) {
    throw new PlaybookError(
      parsed.error.issues.map((issue) => `${file}:${at(issue.path).line} ${fieldName(issue.path)} ${say(issue)}`),
    )
  }
  const problems: string[] = []
  const template: MakeTemplate = (path, allowed, role) => {
    const text = path.reduce<unknown>((node, key) => (node as Record<string | number, unknown>)[key], parsed.data)
    try {
      return parseTemplate(String(text), allowed, role)
    } catch (error) {
      const line = at(path).textLine + (error instanceof TemplateError ? error.line - 1 : 0)
      problems.push(`${file}:${line} ${fieldName(path)} ${error instanceof Error ? error.message : 'is no template'}`)
      return { variables: [], render: () => '' }
    }
  }
  const playbook = build(parsed.data, template, (index) => {
    problems.push(
      `${file}:${at(['turns', index, 'schema']).line} turns[${index}].schema is not a JSON schema that can be checked`,
    )
  })
  if (problems.length > 0) throw new PlaybookError(problems)
  return playbook
}

type MakeTemplate = (path: (string | number)[], allowed: readonly string[], role: TemplateRole) => PlaybookTemplate

function build(file: PlaybookFile, template: MakeTemplate, badSchema: (turn: number) => void): Playbook {
  const turns = file.turns.map((turn, index): Turn => {
    const stepNames = turn.forEachStep || turn.task?.forEach ? ['step'] : []
    const taskNames = [...outputNames, ...stepNames, 'answer', ...(turn.task?.forEach ? ['item'] : [])]
    return {
      name: turn.name,
      prompt: template(['turns', index, 'prompt'], turn.forEachStep ? [...promptNames, 'step'] : promptNames, 'prompt'),
      forEachStep: turn.forEachStep,
      continues: turn.continues,
      maxCompletionTokens: turn.maxCompletionTokens,
      temperature: turn.temperature,
      reasoningEffort: turn.reasoningEffort,
      schema: turn.schema && checkable(turn.schema, () => badSchema(index)),
      task: turn.task && {
        forEach: turn.task.forEach,
        title: template(['turns', index, 'task', 'title'], taskNames, 'output'),
        description: template(['turns', index, 'task', 'description'], taskNames, 'output'),
      },
      comment:
        turn.comment === undefined
          ? undefined
          : template(
              ['turns', index, 'comment'],
              [...outputNames, 'answer', ...(turn.forEachStep ? ['step'] : [])],
              'output',
            ),
    }
  })
  const system = template(['system'], promptNames, 'prompt')
  const all = [
    system,
    ...turns.flatMap((turn) => [turn.prompt, turn.task?.title, turn.task?.description, turn.comment]),
  ]
  const uses = (name: string) => all.some((one) => one?.variables.some((variable) => variable.startsWith(name)))
  const shows = (member: 'alerts' | 'entities') => uses('evidence') && file.evidence.includes(member)
  return {
    name: file.name,
    version: file.version,
    model: file.model,
    tag: file.tag,
    steps: file.steps,
    system,
    turns,
    evidence: file.evidence,
    priority: file.priority,
    safety: file.safety,
    uses: {
      alerts: uses('incident.alerts') || shows('alerts'),
      // The entities say who is a user and what is a host.
      entities: uses('incident.entities') || shows('entities') || file.safety.pseudonyms,
    },
  }
}

function checkable(json: Record<string, unknown>, bad: () => void): Turn['schema'] {
  try {
    return { json, check: z.fromJSONSchema(json) }
  } catch {
    bad()
    return undefined
  }
}

/** `turns[1].task.title`, as a reader finds it in the file. */
function fieldName(path: readonly PropertyKey[]): string {
  const text = path.reduce<string>(
    (before, key) =>
      typeof key === 'number' ? `${before}[${key}]` : before ? `${before}.${String(key)}` : String(key),
    '',
  )
  return text || 'the file'
}

function say(issue: z.core.$ZodIssue): string {
  if (issue.code === 'unrecognized_keys') return `has a member that does not exist: ${issue.keys.join(', ')}`
  if (issue.code === 'invalid_type' && issue.input === undefined) return 'is missing'
  return issue.message.replace(/^Invalid input: /, '').replace(/^expected/, 'must be')
}
