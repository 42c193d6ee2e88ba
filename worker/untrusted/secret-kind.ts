/** A kind of secret: `pattern` is linear (anchored by a literal, every repetition bounded or of one class that its end excludes). */
export interface SecretKind {
  kind: string
  pattern: RegExp
  /** Whether what was matched is one; default: always. */
  verify?: (secret: string) => boolean
}

/** Letters before would make it the end of a longer word or identifier. */
export const start = '(?<![A-Za-z0-9_])'
/** What a value in quotes, or up to the next separator, looks like: never a placeholder, a variable or a format mark. */
export const value = `(?:"(?!\\[SECRET)([^"\\n]{1,400})"|'(?!\\[SECRET)([^'\\n]{1,400})'|(?![$%{<(\\["'*])([^\\s"',;&|<>)\\]}]{3,400}))`

/** A name that announces a secret, then what it is; only the value is replaced. `[\s]*` is bounded to stay linear. */
export function named(names: string, flags = 'gi'): RegExp {
  return new RegExp(
    `(?<![A-Za-z0-9_]|\\[(?=SECRET:))((?:${names})["']?[ \\t]{0,4}(?::=|=>|[:=：])[ \\t]{0,4})${value}`,
    flags,
  )
}

/** What may stand before a setting's name, as in `spring.datasource.password`. */
export const prefix = '(?:[A-Za-z0-9]{1,24}[_.-]){0,4}'

/** Whether a value after a word that prose uses too ("secret: …") is more than the next word of a sentence. */
export function looksChosen(text: string): boolean {
  return text.length >= 20 || /\d|[!#$%&*+=@^~]/.test(text)
}

/** What people choose where a policy makes them, and words, names and ids are not: three kinds of characters, a digit among them. */
export function mixesAsPasswordsDo(text: string): boolean {
  if (text.includes('@') && /\.\w+$/.test(text)) return false
  const kinds = [/[a-z]/, /[A-Z]/, /[!#$%&*+=@^~?]/].filter((kind) => kind.test(text.replace(/[.!?]$/, '')))
  return /\d/.test(text) && kinds.length >= 2
}
