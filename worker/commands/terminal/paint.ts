import { stripVTControlCharacters, styleText } from 'node:util'

type Style = Parameters<typeof styleText>[0]

/** Colours only where the stream is a terminal that has them; `NO_COLOR` is honoured. */
export function paint(style: Style, text: string, stream: NodeJS.WriteStream = process.stdout): string {
  return styleText(style, text, { stream, validateStream: true })
}

/** How many columns the text takes. */
export function widthOf(text: string): number {
  return [...stripVTControlCharacters(text)].length
}

/**
 * Text of a message, made harmless for a terminal: whoever can send to the queue could else move the cursor, forge lines or
 * set the window's title.
 */
export function harmless(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\u2028\u2029]/gu, (unit) => {
    const code = unit.codePointAt(0) ?? 0
    return `\\u${code.toString(16).padStart(4, '0')}`
  })
}

/** Columns of the terminal; 80 where there is none. */
export function columnsOf(stream: NodeJS.WriteStream = process.stdout): number {
  return stream.isTTY && stream.columns > 20 ? stream.columns : 80
}

/** Breaks text between words so that no line is wider than `width`; lines after the first begin with `indent` spaces. */
export function wrap(text: string, width: number, indent = 0): string {
  const room = Math.max(20, width - indent)
  const lines: string[] = []
  let line = ''
  for (const word of text.split(' ')) {
    if (line !== '' && widthOf(line) + 1 + widthOf(word) > room) {
      lines.push(line)
      line = word
    } else line = line === '' ? word : `${line} ${word}`
  }
  return [...lines, line].join(`\n${' '.repeat(indent)}`)
}

/** Tells a person something on stderr: lines of a terminal's width there, as they are elsewhere. */
export function tell(text: string, stream: NodeJS.WriteStream = process.stderr): void {
  const lines = text.split('\n').map((line) => (stream.isTTY ? wrap(line, columnsOf(stream)) : line))
  stream.write(`${lines.join('\n')}\n`)
}
