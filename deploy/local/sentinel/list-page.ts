import { badRequest } from './arm-error.ts'
import { compileFilter, type PropertyReader } from './odata-filter.ts'

export interface PageOptions<Item> {
  read: PropertyReader<Item>
  /** The item's name: the last criterion of every order, and what a page continues after. */
  nameOf(item: Item): string
  defaultOrder: string
  defaultSize: number
  maxSize: number
}

export interface Page<Item> {
  items: Item[]
  skipToken?: string
}

/**
 * Applies `$filter`, `$orderby`, `$top` (a page's size, as the service treats it) and `$skipToken`.
 * A page continues after the last item by value, not by count: items that were added or fell out of the filter
 * between two pages shift nothing.
 * @throws ArmError 400 when an option is malformed.
 */
export function takePage<Item>(all: Item[], query: URLSearchParams, options: PageOptions<Item>): Page<Item> {
  const filter = query.get('$filter')
  const order = parseOrder(query.get('$orderby') ?? options.defaultOrder)
  const size = parseTop(query.get('$top'), options)
  const sortKey = (item: Item): (string | number)[] => [
    ...order.map(({ path }) => options.read(item, path) ?? ''),
    options.nameOf(item),
  ]
  const compareKeys = (left: (string | number)[], right: (string | number)[]): number => {
    for (const [at, value] of left.entries()) {
      const other = right[at] ?? ''
      if (value !== other) return (value < other ? -1 : 1) * (order[at]?.descending ? -1 : 1)
    }
    return 0
  }

  const matching = filter === null ? all : all.filter(compileFilter(filter, options.read))
  const sorted = matching
    .map((item) => ({ item, key: sortKey(item) }))
    .sort((left, right) => compareKeys(left.key, right.key))
  const token = query.get('$skipToken') ?? query.get('$skiptoken')
  const after = token === null ? undefined : parseToken(token)
  const rest = after ? sorted.filter(({ key }) => compareKeys(key, after) > 0) : sorted
  const page = rest.slice(0, size)
  const last = page.at(-1)
  return {
    items: page.map(({ item }) => item),
    ...(last && rest.length > size && { skipToken: Buffer.from(JSON.stringify(last.key)).toString('base64url') }),
  }
}

function parseOrder(text: string): { path: string; descending: boolean }[] {
  return text.split(',').map((part) => {
    const match = /^\s*([A-Za-z][\w/]*)(?:\s+(asc|desc))?\s*$/i.exec(part)
    if (!match?.[1]) throw badRequest(`Invalid OData order by '${text}'.`)
    return { path: match[1], descending: match[2]?.toLowerCase() === 'desc' }
  })
}

function parseTop(text: string | null, { defaultSize, maxSize }: { defaultSize: number; maxSize: number }): number {
  if (text === null) return defaultSize
  const top = Number(text)
  if (!/^\d+$/.test(text) || top < 1 || top > maxSize) {
    throw badRequest(`Invalid value '${text}' for $top: it must be between 1 and ${maxSize}.`)
  }
  return top
}

function parseToken(token: string): (string | number)[] {
  try {
    const key: unknown = JSON.parse(Buffer.from(token, 'base64url').toString())
    if (Array.isArray(key) && key.every((part) => typeof part === 'string' || typeof part === 'number')) return key
  } catch {
    // Falls through: whatever is wrong with it, it is not one of ours.
  }
  throw badRequest('The $skipToken is invalid.')
}
