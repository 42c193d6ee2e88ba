/** The command as it was typed, to be shown to its user again. */
export function ownCommand(argv: readonly string[] = process.argv): string {
  return ['enricher', ...argv.slice(2)].map(shellWord).join(' ')
}

/** A word as a shell takes it. */
export function shellWord(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`
}
