import { normalizeTime } from './arm-clock.ts'
import { badRequest } from './arm-error.ts'

/** Reads a property such as `properties/severity`; `undefined` where the resource has none. */
export type PropertyReader<Item> = (item: Item, path: string) => string | number | undefined
type Predicate<Item> = (item: Item) => boolean
type Literal = string | number

const tokenPattern =
  /\s*(?:(?<text>'(?:[^']|'')*')|(?<time>\d{4}-\d\d-\d\dT[\d:.]+(?:Z|[+-]\d\d:\d\d))|(?<number>-?\d+(?:\.\d+)?)|(?<word>[A-Za-z_][\w/]*)|(?<mark>[(),]))/iy
const comparisons = new Set(['eq', 'ne', 'gt', 'ge', 'lt', 'le'])
const functions = new Set(['contains', 'startswith', 'endswith'])

interface Token {
  kind: 'literal' | 'word' | 'mark' | 'end'
  text: string
  value?: Literal
}

/**
 * Compiles an OData 4 filter: `eq ne gt ge lt le`, `and or not`, parentheses, `contains startswith endswith`.
 * Times are compared as moments, texts exactly. Lambdas (`any`, `all`) are refused: whether the service takes them over
 * labels is not documented.
 * @throws ArmError 400 when the text is no such filter.
 */
export function compileFilter<Item>(text: string, read: PropertyReader<Item>): Predicate<Item> {
  const tokens = tokenize(text)
  let at = 0
  const peek = (): Token => tokens[at] ?? { kind: 'end', text: '' }
  const next = (): Token => {
    const token = peek()
    at += 1
    return token
  }
  const isWord = (word: string) => peek().kind === 'word' && peek().text.toLowerCase() === word
  const expect = (mark: string) => {
    if (next().text !== mark) throw invalid(text)
  }

  function or(): Predicate<Item> {
    const parts = [and()]
    while (isWord('or')) {
      next()
      parts.push(and())
    }
    return (item) => parts.some((part) => part(item))
  }
  function and(): Predicate<Item> {
    const parts = [unary()]
    while (isWord('and')) {
      next()
      parts.push(unary())
    }
    return (item) => parts.every((part) => part(item))
  }
  function unary(): Predicate<Item> {
    if (isWord('not')) {
      next()
      const inner = unary()
      return (item) => !inner(item)
    }
    if (peek().text === '(' && peek().kind === 'mark') {
      next()
      const inner = or()
      expect(')')
      return inner
    }
    const head = next()
    if (head.kind !== 'word') throw invalid(text)
    return functions.has(head.text.toLowerCase()) ? call(head.text.toLowerCase()) : comparison(head.text)
  }
  function call(name: string): Predicate<Item> {
    expect('(')
    const path = next()
    expect(',')
    const needle = next()
    expect(')')
    if (path.kind !== 'word' || typeof needle.value !== 'string') throw invalid(text)
    const part = needle.value.toLowerCase()
    return (item) => {
      const whole = String(read(item, path.text) ?? '').toLowerCase()
      if (name === 'contains') return whole.includes(part)
      return name === 'startswith' ? whole.startsWith(part) : whole.endsWith(part)
    }
  }
  function comparison(path: string): Predicate<Item> {
    const operator = next()
    const literal = next()
    if (operator.kind !== 'word' || !comparisons.has(operator.text.toLowerCase())) throw invalid(text)
    const isNull = literal.kind === 'word' && literal.text.toLowerCase() === 'null'
    if (literal.kind !== 'literal' && !isNull) throw invalid(text)
    return (item) => compare(read(item, path), operator.text.toLowerCase(), isNull ? undefined : literal.value)
  }

  const whole = or()
  if (peek().kind !== 'end') throw invalid(text)
  return whole
}

function compare(left: Literal | undefined, operator: string, right: Literal | undefined): boolean {
  if (operator === 'eq') return left === right
  if (operator === 'ne') return left !== right
  if (left === undefined || right === undefined || typeof left !== typeof right) return false
  if (operator === 'gt') return left > right
  if (operator === 'ge') return left >= right
  return operator === 'lt' ? left < right : left <= right
}

function tokenize(text: string): Token[] {
  const tokens: Token[] = []
  tokenPattern.lastIndex = 0
  while (text.slice(tokenPattern.lastIndex).trim() !== '') {
    const groups = tokenPattern.exec(text)?.groups
    if (!groups) throw invalid(text)
    const { text: quoted, time, number, word, mark } = groups
    if (quoted !== undefined) {
      const value = quoted.slice(1, -1).replaceAll("''", "'")
      tokens.push({ kind: 'literal', text: quoted, value })
    } else if (time !== undefined) tokens.push({ kind: 'literal', text: time, value: normalizeTime(time) ?? time })
    else if (number !== undefined) tokens.push({ kind: 'literal', text: number, value: Number(number) })
    else if (word !== undefined) tokens.push({ kind: 'word', text: word })
    else tokens.push({ kind: 'mark', text: mark ?? '' })
  }
  return tokens
}

function invalid(text: string): Error {
  return badRequest(`Invalid OData filter '${text}'.`)
}
