/** What an expression of the Workflow Definition Language can refer to. */
export interface WorkflowContext {
  /** What the trigger gave: `{ headers?, body }`. */
  trigger: { body: unknown }
  parameters: Record<string, unknown>
}

type Token = { kind: 'name' | 'text' | 'number' | 'sign'; value: string }
type Functions = Record<string, (...values: never[]) => unknown>

const functionsIn = ({ trigger, parameters }: WorkflowContext): Functions => ({
  base64: (text: string) => Buffer.from(text, 'utf8').toString('base64'),
  coalesce: (...values: unknown[]) => values.find((value) => value !== null && value !== undefined) ?? null,
  concat: (...texts: string[]) => texts.map((text) => textOf(text)).join(''),
  empty: (value: unknown) => value == null || value === '' || Object.keys(value).length === 0,
  encodeURIComponent: (text: string) => encodeURIComponent(text),
  if: (condition: boolean, yes: unknown, no: unknown) => (condition ? yes : no),
  last: (items: unknown[]) => items.at(-1) ?? null,
  parameters: (name: string) => {
    if (!(name in parameters)) throw new Error(`the parameter ${name} has no value`)
    return parameters[name]
  },
  split: (text: string, separator: string) => {
    if (typeof text !== 'string') throw new Error('split takes a text')
    return text.split(separator)
  },
  toLower: (text: string) => {
    if (typeof text !== 'string') throw new Error('toLower takes a text')
    return text.toLowerCase()
  },
  triggerBody: () => trigger.body,
})

/**
 * Evaluates every expression inside a value of a workflow's definition, as the Logic Apps engine does: `@expression` gives a
 * value, `@{expression}` its text inside a longer one, `@@` an at sign. The subset that this project's definitions use; anything
 * else throws. ("Workflow Definition Language functions reference", Microsoft Learn)
 */
export function evaluateTemplate(template: unknown, context: WorkflowContext): unknown {
  if (Array.isArray(template)) return template.map((item) => evaluateTemplate(item, context))
  if (typeof template === 'object' && template !== null) {
    return Object.fromEntries(Object.entries(template).map(([key, value]) => [key, evaluateTemplate(value, context)]))
  }
  if (typeof template !== 'string') return template
  if (template.startsWith('@@')) return template.slice(1)
  if (template.startsWith('@') && !template.startsWith('@{')) return evaluateExpression(template.slice(1), context)
  return interpolate(template, context)
}

function interpolate(template: string, context: WorkflowContext): string {
  let text = ''
  let at = 0
  for (let start = template.indexOf('@{'); start >= 0; start = template.indexOf('@{', at)) {
    const end = endOf(template, start + 2)
    text += template.slice(at, start) + textOf(evaluateExpression(template.slice(start + 2, end), context))
    at = end + 1
  }
  return text + template.slice(at)
}

/** The closing brace, past those in texts. */
function endOf(template: string, from: number): number {
  let quoted = false
  for (let at = from; at < template.length; at++) {
    if (template[at] === "'") quoted = !quoted
    else if (template[at] === '}' && !quoted) return at
  }
  throw new Error(`an expression is not closed: ${template.slice(from)}`)
}

function textOf(value: unknown): string {
  if (value === null || value === undefined) return ''
  return typeof value === 'object' ? JSON.stringify(value) : String(value)
}

function evaluateExpression(source: string, context: WorkflowContext): unknown {
  const parser = new ExpressionParser(source, functionsIn(context))
  return parser.whole()
}

class ExpressionParser {
  readonly #tokens: Token[]
  readonly #functions: Functions
  #at = 0

  constructor(source: string, functions: Functions) {
    this.#tokens = tokensOf(source)
    this.#functions = functions
  }

  whole(): unknown {
    const value = this.#value()
    if (this.#at < this.#tokens.length) throw new Error(`something follows the expression: ${this.#peek()}`)
    return value
  }

  #value(): unknown {
    let value = this.#simple()
    for (;;) {
      const sign = this.#peek()
      if (sign !== '[' && sign !== '?[') return value
      this.#at++
      const key = this.#value() as string
      this.#take(']')
      if (value == null && sign === '[') throw new Error(`there is nothing to take ${key} from: write ?[`)
      value = (value as Record<string, unknown> | null | undefined)?.[key] ?? null
    }
  }

  #simple(): unknown {
    const token = this.#tokens[this.#at++]
    if (token?.kind === 'text') return token.value
    if (token?.kind === 'number') return Number(token.value)
    if (token?.kind !== 'name') throw new Error(`an expression cannot start with ${token?.value ?? 'nothing'}`)
    const implementation = this.#functions[token.value]
    if (!implementation) throw new Error(`the function ${token.value} is not understood`)
    this.#take('(')
    const values: unknown[] = []
    while (this.#peek() !== ')') {
      if (values.length > 0) this.#take(',')
      values.push(this.#value())
    }
    this.#take(')')
    return implementation(...(values as never[]))
  }

  #peek(): string | undefined {
    const token = this.#tokens[this.#at]
    return token?.kind === 'sign' ? token.value : undefined
  }

  #take(sign: string): void {
    if (this.#peek() !== sign)
      throw new Error(`"${sign}" is expected, not "${this.#tokens[this.#at]?.value ?? 'the end'}"`)
    this.#at++
  }
}

function tokensOf(source: string): Token[] {
  const tokens: Token[] = []
  const pattern = /\s*(?:'((?:[^']|'')*)'|([A-Za-z_]\w*)|(-?\d+)|(\?\[|[()[\],]))/y
  while (pattern.lastIndex < source.trimEnd().length) {
    const start = pattern.lastIndex
    const match = pattern.exec(source)
    if (!match) throw new Error(`not understood: ${source.slice(start)}`)
    const [, text, name, number, sign] = match
    if (text !== undefined) tokens.push({ kind: 'text', value: text.replaceAll("''", "'") })
    else if (name !== undefined) tokens.push({ kind: 'name', value: name })
    else if (number !== undefined) tokens.push({ kind: 'number', value: number })
    else tokens.push({ kind: 'sign', value: sign ?? '' })
  }
  return tokens
}
