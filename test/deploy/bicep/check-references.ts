import { existsSync, readFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { knownFunctions } from './bicep-functions.ts'
import { type BicepFile, type Declaration, readBicep } from './read-bicep.ts'
import type { Expression } from './read-expression.ts'

/** Reads a file's text; a test puts a broken copy in its place. */
export type ReadText = (path: string) => string
const readFromDisk: ReadText = (path) => readFileSync(path, 'utf8')

/**
 * What the compiler would say of names: every one is declared, every parameter and variable is used, modules exist, get all
 * their required parameters and no others, and give the outputs that are asked of them; no output gives a key away.
 *
 * @returns one line per finding
 */
export function checkReferences(path: string, readText: ReadText = readFromDisk): string[] {
  const file = readBicep(readText(path), path)
  if (file.syntaxErrors.length > 0) return file.syntaxErrors
  const findings: string[] = []
  const report = (line: number, text: string) => findings.push(`${basename(path)}:${line}: ${text}`)
  const symbols = new Map(file.declarations.filter((one) => one.kind !== 'output').map((one) => [one.name, one]))
  const used = new Set<string>()

  const check = (expression: Expression, locals: ReadonlySet<string>): void => {
    if (expression.kind === 'name' && !locals.has(expression.name)) {
      if (symbols.has(expression.name)) used.add(expression.name)
      else report(expression.line, `${expression.name} is not declared`)
    }
    if (expression.kind === 'call' && !knownFunctions.has(expression.name)) {
      report(expression.line, `the function ${expression.name} is not known`)
    }
    const output = moduleOutput(expression, symbols)
    if (output && !outputsOf(path, output.module, readText).includes(output.name)) {
      report(expression.line, `${output.module.type} has no output ${output.name}`)
    }
    for (const { inner, names } of parts(expression)) check(inner, names ? new Set([...locals, ...names]) : locals)
  }

  for (const one of file.declarations) {
    for (const expression of [one.condition, one.value]) if (expression) check(expression, new Set())
    if (one.kind === 'module') checkModule(path, one, readText, report)
    if (one.kind === 'output' && one.value && givesKey(one.value, symbols)) {
      report(one.line, `the output ${one.name} gives a secret away`)
    }
  }
  for (const [name, { kind, line }] of symbols) {
    if ((kind === 'param' || kind === 'var') && !used.has(name)) report(line, `${name} is not used`)
  }
  return findings
}

/** The expressions inside an expression, each with the names that are declared for it alone. */
function parts(one: Expression): { inner: Expression; names?: string[] }[] {
  switch (one.kind) {
    case 'string':
      return one.parts.flatMap((part) => (typeof part === 'string' ? [] : [{ inner: part }]))
    case 'member':
      return [{ inner: one.object }]
    case 'index':
      return [{ inner: one.object }, { inner: one.index }]
    case 'call':
      return one.arguments.map((inner) => ({ inner }))
    case 'choice':
      return [one.condition, one.yes, one.no].map((inner) => ({ inner }))
    case 'binary':
      return [one.left, one.right].map((inner) => ({ inner }))
    case 'not':
      return [{ inner: one.operand }]
    case 'array':
      return one.items.map((inner) => ({ inner }))
    case 'object':
      return one.properties.flatMap(({ key, value }) => [{ inner: key }, { inner: value }])
    case 'lambda':
      return [{ inner: one.body, names: one.parameters }]
    case 'for':
      return [{ inner: one.over }, { inner: one.body, names: [one.item, ...(one.index ? [one.index] : [])] }]
    default:
      return []
  }
}

function moduleOutput(
  one: Expression,
  symbols: Map<string, Declaration>,
): { module: Declaration; name: string } | undefined {
  if (one.kind !== 'member' || one.object.kind !== 'member' || one.object.property !== 'outputs') return undefined
  const { object } = one.object
  const module = object.kind === 'name' ? symbols.get(object.name) : undefined
  return module?.kind === 'module' ? { module, name: one.property } : undefined
}

function readModule(path: string, module: Declaration, readText: ReadText): BicepFile | undefined {
  const target = join(dirname(path), module.type)
  return existsSync(target) ? readBicep(readText(target), target) : undefined
}

function outputsOf(path: string, module: Declaration, readText: ReadText): string[] {
  const declarations = readModule(path, module, readText)?.declarations ?? []
  return declarations.filter((one) => one.kind === 'output').map((one) => one.name)
}

function checkModule(
  path: string,
  module: Declaration,
  readText: ReadText,
  report: (line: number, text: string) => void,
) {
  const target = readModule(path, module, readText)
  if (!target) return report(module.line, `there is no ${module.type}`)
  const body = module.value?.kind === 'for' ? module.value.body : module.value
  const params = body?.kind === 'object' ? body.properties.find((one) => keyOf(one.key) === 'params')?.value : undefined
  const given = new Set(params?.kind === 'object' ? params.properties.map((one) => keyOf(one.key)) : [])
  const known = target.declarations.filter((one) => one.kind === 'param')
  for (const name of given) {
    if (!known.some((one) => one.name === name)) report(module.line, `${module.type} has no parameter ${name}`)
  }
  for (const { name, value, type } of known) {
    if (!given.has(name) && value === undefined && !type.endsWith('?'))
      report(module.line, `${module.type} needs ${name}`)
  }
}

const keyOf = (key: Expression) => (key.kind === 'string' && typeof key.parts[0] === 'string' ? key.parts[0] : '')

function givesKey(one: Expression, symbols: Map<string, Declaration>): boolean {
  if (one.kind === 'call' && /^list[A-Z]/.test(one.name)) return true
  if (one.kind === 'name' && symbols.get(one.name)?.decorators.has('secure')) return true
  return parts(one).some(({ inner }) => givesKey(inner, symbols))
}
