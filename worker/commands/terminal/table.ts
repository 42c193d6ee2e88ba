import { paint, widthOf } from './paint.ts'

export interface Column {
  title: string
  align?: 'right'
  /** Narrowed first when the table is too wide; others keep their width. */
  flexible?: boolean
}

const gap = '  '

/** A table of plain columns that fits into `columns`; cells that are too long end with an ellipsis. */
export function renderTable(columns: readonly Column[], rows: readonly (readonly string[])[], width: number): string {
  const widths = columns.map((column, index) =>
    Math.max(widthOf(column.title), ...rows.map((row) => widthOf(row[index] ?? ''))),
  )
  const total = () => widths.reduce((sum, one) => sum + one, gap.length * (widths.length - 1))
  while (total() > width) {
    const widest = columns
      .map((column, index) => ({ index, flexible: column.flexible ?? false, width: widths[index] ?? 0 }))
      .filter((one) => one.flexible && one.width > 8)
      .sort((one, other) => other.width - one.width)[0]
    if (!widest) break
    widths[widest.index] = widest.width - 1
  }
  const line = (cells: readonly string[]) =>
    columns
      .map(({ align }, index) => fit(cells[index] ?? '', widths[index] ?? 0, align))
      .join(gap)
      .trimEnd()
  const head = line(columns.map((column) => column.title))
  return [paint('dim', head), ...rows.map(line)].map((text) => `${text}\n`).join('')
}

function fit(text: string, width: number, align: Column['align']): string {
  const cut = widthOf(text) > width ? `${[...text].slice(0, Math.max(0, width - 1)).join('')}…` : text
  const space = ' '.repeat(Math.max(0, width - widthOf(cut)))
  return align === 'right' ? space + cut : cut + space
}

/** `3 m`, `2 h`, `5 d`: how long ago. */
export function ageOf(at: number, now: number): string {
  const seconds = Math.max(0, Math.round((now - at) / 1000))
  if (seconds < 90) return `${seconds} s`
  if (seconds < 5_400) return `${Math.round(seconds / 60)} min`
  if (seconds < 129_600) return `${Math.round(seconds / 3_600)} h`
  return `${Math.round(seconds / 86_400)} d`
}
