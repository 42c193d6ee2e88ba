import { Liquid, type Template } from 'liquidjs'
import { quoteData } from '../untrusted/delimiter.ts'

/** A parsed template: rendering it is pure, and bounded in time and memory. */
export interface PlaybookTemplate {
  /** The names it uses, such as `incident.alerts` or `step`. */
  variables: string[]
  render(scope: Record<string, unknown>): string
}

/** What is wrong with a template; `line` counts from 1 inside it. */
export class TemplateError extends Error {
  readonly line: number
  constructor(message: string, line: number) {
    super(message)
    this.name = 'TemplateError'
    this.line = line
  }
}

/**
 * Liquid without files: no includes, own properties only, unknown filters and variables refused, and limits so that an
 * incident of absurd size cannot hold the event loop (`renderLimit` is milliseconds, `memoryLimit` characters).
 */
const options = {
  templates: {},
  ownPropertyOnly: true,
  strictFilters: true,
  strictVariables: true,
  parseLimit: 200_000,
  renderLimit: 2_000,
  memoryLimit: 20_000_000,
}

/** A prompt's template puts out data, marked as such; an output's puts out what render.ts escapes. */
export type TemplateRole = 'prompt' | 'output'

const engines: Record<TemplateRole, Liquid> = {
  prompt: new Liquid({ ...options, outputEscape: quoteData }),
  output: new Liquid(options),
}
for (const liquid of Object.values(engines)) {
  /** A title from an answer: its first words as one plain line, without markdown, at most 120 characters. */
  liquid.registerFilter('headline', (value: unknown) => headline(String(value ?? '')))
  // Liquid's own `raw` would switch the marking off.
  liquid.registerFilter('raw', (value: unknown) => value)
}

/** @throws TemplateError for a syntax error, an unknown filter, or a name that is not in `allowed`. */
export function parseTemplate(source: string, allowed: readonly string[], role: TemplateRole): PlaybookTemplate {
  const liquid = engines[role]
  let parsed: Template[]
  let segments: (string | number)[][]
  try {
    parsed = liquid.parse(source)
    segments = liquid.globalVariableSegmentsSync(parsed) as (string | number)[][]
  } catch (error) {
    throw templateError(error)
  }
  const variables = segments.map((path) => path.filter((part) => typeof part === 'string').join('.'))
  for (const variable of variables) {
    if (!allowed.some((name) => name === variable || variable.startsWith(`${name}.`))) {
      const line = source.slice(0, Math.max(0, source.indexOf(variable.split('.').at(-1) ?? ''))).split('\n').length
      throw new TemplateError(`there is no "${variable}" here; there are: ${allowed.join(', ')}`, line)
    }
  }
  return { variables, render: (scope) => liquid.renderSync(parsed, scope) as string }
}

function templateError(error: unknown): TemplateError {
  const text = error instanceof Error ? (error.message.split('\n')[0] ?? '') : 'not a template'
  const at = /, line:(\d+), col:\d+$/.exec(text)
  return new TemplateError(at ? text.slice(0, at.index) : text, at ? Number(at[1]) : 1)
}

/**
 * The first line that says something: list numbers, headings, emphasis and a leading "Step 2:" are dropped, and it ends
 * at the first sentence or colon, so that a title reads like a title.
 */
export function headline(text: string): string {
  for (const raw of text.slice(0, 4000).split('\n')) {
    const line = raw
      .replace(/^[\s>#*_`~•-]+/, '')
      .replace(/^\d{1,3}[.):]\s+/, '')
      .replace(/[*_`~]/g, '')
      .replace(/^step\s+\d{1,3}\s*[:.)–—-]\s*/i, '')
      .trim()
    if (!/[\p{L}\p{N}]/u.test(line)) continue
    const end = line.search(/[:.!?](\s|$)/)
    const title = end > 8 ? line.slice(0, end) : line
    return [...title].length <= 120 ? title : `${[...title].slice(0, 119).join('').trimEnd()}…`
  }
  return ''
}
