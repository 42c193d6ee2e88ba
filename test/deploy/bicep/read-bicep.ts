import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { basename } from 'node:path'
import { Language, type Node, Parser } from 'web-tree-sitter'
import { type Expression, named, readExpression } from './read-expression.ts'

export interface Declaration {
  kind: 'param' | 'var' | 'resource' | 'module' | 'output'
  name: string
  line: number
  /** A type (`string[]`) of parameters and outputs; `Type@version` of resources, the file of modules. */
  type: string
  existing: boolean
  condition: Expression | undefined
  value: Expression | undefined
  /** Decorators by name, with their argument. */
  decorators: Map<string, Expression | undefined>
}

export interface BicepFile {
  path: string
  targetScope: string | undefined
  declarations: Declaration[]
  /** Where the grammar found no sense, one line each. */
  syntaxErrors: string[]
}

await Parser.init()
const parser = new Parser().setLanguage(
  await Language.load(createRequire(import.meta.url).resolve('tree-sitter-bicep/tree-sitter-bicep.wasm')),
)

/** Reads a Bicep file into declarations; what cannot be parsed is in `syntaxErrors`. */
export function readBicepFile(path: string): BicepFile {
  return readBicep(readFileSync(path, 'utf8'), path)
}

/** The same of a text. A parameter file's assignments are read as variables: the grammar does not know them. */
export function readBicep(text: string, path: string): BicepFile {
  const source = path.endsWith('.bicepparam') ? text.replace(/^using .*$/m, '').replace(/^param /gm, 'var ') : text
  const tree = parser.parse(source)
  if (!tree) throw new Error(`${path} could not be parsed`)
  const file: BicepFile = { path, targetScope: undefined, declarations: [], syntaxErrors: [] }
  collectErrors(tree.rootNode, (node) => {
    file.syntaxErrors.push(`${basename(path)}:${node.startPosition.row + 1}: syntax near "${node.text.slice(0, 40)}"`)
  })
  if (file.syntaxErrors.length > 0) return file
  let decorators = new Map<string, Expression | undefined>()
  for (const node of tree.rootNode.namedChildren) {
    if (!node) continue
    if (node.type === 'decorators') decorators = readDecorators(node)
    else if (node.type === 'target_scope_assignment') file.targetScope = node.namedChildren.at(-1)?.text.slice(1, -1)
    else if (node.type.endsWith('_declaration')) {
      file.declarations.push(readDeclaration(node, decorators))
      decorators = new Map()
    }
  }
  return file
}

function collectErrors(node: Node, report: (node: Node) => void): void {
  if (node.isError || node.isMissing) report(node)
  else if (node.hasError) for (const child of node.children) if (child) collectErrors(child, report)
}

function readDecorators(node: Node): Map<string, Expression | undefined> {
  const calls = node.namedChildren.flatMap((one) =>
    one?.namedChildren[0] ? [readExpression(one.namedChildren[0])] : [],
  )
  return new Map(calls.flatMap((one) => (one.kind === 'call' ? [[one.name, one.arguments[0]] as const] : [])))
}

const kinds: Record<string, Declaration['kind']> = {
  parameter_declaration: 'param',
  variable_declaration: 'var',
  resource_declaration: 'resource',
  module_declaration: 'module',
  output_declaration: 'output',
}

function readDeclaration(node: Node, decorators: Map<string, Expression | undefined>): Declaration {
  const kind = kinds[node.type]
  if (!kind) throw new Error(`line ${node.startPosition.row + 1}: no declaration that is understood: ${node.type}`)
  const children = named(node)
  const [name, ...rest] = children
  const typed = kind === 'resource' || kind === 'module' ? rest.shift()?.text.slice(1, -1) : undefined
  const type = typed ?? (rest[0]?.type === 'type' ? rest.shift()?.text : undefined) ?? ''
  const last = rest.at(-1)
  const conditional = last?.type === 'if_statement' ? named(last) : undefined
  const value = conditional ? conditional[1] : last
  return {
    kind,
    name: name?.text ?? '',
    line: node.startPosition.row + 1,
    type,
    existing: node.children.some((child) => child?.type === 'existing'),
    condition: conditional?.[0] && readExpression(conditional[0]),
    value: value && readExpression(value),
    decorators,
  }
}
