import type { Node } from 'web-tree-sitter'

/** An expression of Bicep, without the punctuation. */
export type Expression = { line: number } & (
  | { kind: 'string'; parts: (string | Expression)[] }
  | { kind: 'literal'; value: number | boolean | null }
  | { kind: 'name'; name: string }
  | { kind: 'member'; object: Expression; property: string }
  | { kind: 'index'; object: Expression; index: Expression }
  | { kind: 'call'; name: string; arguments: Expression[] }
  | { kind: 'choice'; condition: Expression; yes: Expression; no: Expression }
  | { kind: 'binary'; operator: string; left: Expression; right: Expression }
  | { kind: 'not'; operand: Expression }
  | { kind: 'object'; properties: Property[] }
  | { kind: 'array'; items: Expression[] }
  | { kind: 'lambda'; parameters: string[]; body: Expression }
  | { kind: 'for'; item: string; index: string | undefined; over: Expression; body: Expression }
)

export interface Property {
  key: Expression
  value: Expression
  line: number
  /** A `#disable-next-line` stands in front. */
  suppressed: boolean
}

/** The children that mean something: no punctuation, no comments. */
export function named(node: Node): Node[] {
  return node.namedChildren.filter(
    (child) => child !== null && !['comment', 'diagnostic_comment', 'existing'].includes(child.type),
  ) as Node[]
}

function field(node: Node, name: string): Expression {
  const child = node.childForFieldName(name)
  if (!child) throw new Error(`line ${node.startPosition.row + 1}: a ${node.type} without ${name}`)
  return readExpression(child)
}

/** Reads one expression. @throws Error with the line where this subset of the language ends */
export function readExpression(node: Node): Expression {
  const line = node.startPosition.row + 1
  const inner = named(node)
  const nth = (index: number) => {
    const child = inner.at(index)
    if (!child) throw new Error(`line ${line}: a ${node.type} that is cut off`)
    return readExpression(child)
  }
  switch (node.type) {
    case 'string':
      return { kind: 'string', line, parts: inner.map((part) => stringPart(part)) }
    case 'number':
      return { kind: 'literal', line, value: Number(node.text) }
    case 'boolean':
      return { kind: 'literal', line, value: node.text === 'true' }
    case 'null':
      return { kind: 'literal', line, value: null }
    case 'identifier':
    case 'property_identifier':
      return { kind: 'name', line, name: node.text }
    case 'parenthesized_expression':
      return nth(0)
    case 'member_expression':
      return access(node, (object) => ({
        kind: 'member',
        line,
        object,
        property: node.childForFieldName('property')?.text ?? '',
      }))
    case 'subscript_expression':
      return access(node, (object) => ({ kind: 'index', line, object, index: field(node, 'index') }))
    case 'call_expression': {
      const list = node.childForFieldName('arguments')
      return {
        kind: 'call',
        line,
        name: node.childForFieldName('function')?.text ?? '',
        arguments: list ? named(list).map(readExpression) : [],
      }
    }
    case 'ternary_expression':
      return {
        kind: 'choice',
        line,
        condition: field(node, 'condition'),
        yes: field(node, 'consequence'),
        no: field(node, 'alternative'),
      }
    case 'binary_expression':
      return {
        kind: 'binary',
        line,
        operator: node.childForFieldName('operator')?.text ?? '',
        left: field(node, 'left'),
        right: field(node, 'right'),
      }
    case 'unary_expression':
      return { kind: 'not', line, operand: field(node, 'argument') }
    case 'array':
      return { kind: 'array', line, items: inner.map(readExpression) }
    case 'object':
      return { kind: 'object', line, properties: readProperties(node) }
    case 'lambda_expression':
      return { kind: 'lambda', line, parameters: inner.slice(0, -1).map((one) => one.text), body: nth(-1) }
    case 'for_statement':
      return readLoop(node, inner, line)
    default:
      throw new Error(`line ${line}: an expression that is not understood: ${node.type}`)
  }
}

/** The grammar reads `a ? b : c.d` as `(a ? b : c).d`; the compiler binds the member to c, and so must this. */
function access(node: Node, wrap: (object: Expression) => Expression): Expression {
  const object = node.childForFieldName('object')
  return object && isLoose(object) ? reachIn(field(node, 'object'), wrap) : wrap(field(node, 'object'))
}

function isLoose(node: Node): boolean {
  if (['ternary_expression', 'binary_expression', 'unary_expression'].includes(node.type)) return true
  const object = /^(member|subscript)_expression$/.test(node.type) ? node.childForFieldName('object') : null
  return object !== null && isLoose(object)
}

function reachIn(one: Expression, wrap: (object: Expression) => Expression): Expression {
  if (one.kind === 'choice') return { ...one, no: reachIn(one.no, wrap) }
  if (one.kind === 'binary') return { ...one, right: reachIn(one.right, wrap) }
  if (one.kind === 'not') return { ...one, operand: reachIn(one.operand, wrap) }
  return wrap(one)
}

function stringPart(part: Node): string | Expression {
  if (part.type !== 'interpolation') return part.text.replace(/\\(['\\$nt])/g, (_, c: string) => escapes[c] ?? c)
  const [inner] = named(part)
  if (!inner) throw new Error(`line ${part.startPosition.row + 1}: an empty interpolation`)
  return readExpression(inner)
}

const escapes: Record<string, string> = { n: '\n', t: '\t' }

function readProperties(node: Node): Property[] {
  let suppressed = false
  const properties: Property[] = []
  for (const child of node.namedChildren) {
    if (child?.type === 'diagnostic_comment') suppressed = /^#disable-next-line\b/.test(child.text)
    if (child?.type !== 'object_property') continue
    const [key, value] = named(child)
    if (!key || !value) throw new Error(`line ${child.startPosition.row + 1}: a property without a value`)
    const written = readExpression(key)
    const name: Expression =
      written.kind === 'name' ? { kind: 'string', line: written.line, parts: [written.name] } : written
    properties.push({ key: name, value: readExpression(value), line: child.startPosition.row + 1, suppressed })
    suppressed = false
  }
  return properties
}

function readLoop(node: Node, inner: Node[], line: number): Expression {
  const both = inner.find((child) => child.type === 'for_loop_parameters')
  const names = both ? named(both).map((one) => one.text) : [node.childForFieldName('initializer')?.text ?? '']
  const body = field(node, 'body')
  const over = inner[1]
  if (!over) throw new Error(`line ${line}: a loop over nothing`)
  return { kind: 'for', line, item: names[0] ?? '', index: names[1], over: readExpression(over), body }
}
