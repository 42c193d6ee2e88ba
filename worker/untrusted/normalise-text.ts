/** What stands where something invisible was: a reader, and the model, shall see that there was something. */
export const hiddenMark = '[hidden]'

/**
 * Everything that a reader does not see: control characters, format characters (zero-width, bidirectional, tags), default
 * ignorables, private use, and code points that are no characters. Line feeds stay.
 */
const invisible = /(?!\n)[\p{Cc}\p{Cf}\p{Co}\p{Default_Ignorable_Code_Point}\p{Noncharacter_Code_Point}\u2800\uFFFC]+/gu
/** An emoji's variation selector or joiner, and the joiners that Arabic and Indic scripts are written with, are visible in effect. */
const joinsEmoji = /^(\uFE0F?\u200D|\uFE0F)$/
const emojiBefore = /[\p{Extended_Pictographic}\p{Emoji_Modifier}\p{Regional_Indicator}#*\d]$/u
const emojiAfter = /^\p{Extended_Pictographic}/u
const joiningScript =
  /[\p{Script=Arabic}\p{Script=Syriac}\p{Script=Devanagari}\p{Script=Bengali}\p{Script=Tamil}\p{Script=Telugu}\p{Script=Malayalam}\p{Script=Sinhala}\p{Script=Kannada}\p{Script=Gujarati}\p{M}]$/u
/** More marks on one letter than any language writes ("Zalgo") hide the lines around them. */
const stackedMarks = /(\p{M}{4})\p{M}+/gu

/**
 * Makes text what it looks like: NFC, line ends and spaces of one kind, broken surrogates replaced, nothing invisible left
 * without a mark. Idempotent, and linear in the text's length.
 */
export function normaliseText(text: string): string {
  return text
    .toWellFormed()
    .replace(/^\uFEFF/, '')
    .replace(/\r\n?|[\u2028\u2029\u0085]/g, '\n')
    .replace(/[\t\v\f\u00A0\u1680\u2000-\u200A\u202F\u205F\u3000]/g, ' ')
    .normalize('NFC')
    .replace(stackedMarks, '$1')
    .replace(invisible, (run: string, offset: number, whole: string) => {
      // A soft hyphen is no more than a place where a line may break.
      if (run === '\u00AD') return ''
      const before = whole.slice(Math.max(0, offset - 2), offset)
      const after = whole.slice(offset + run.length, offset + run.length + 2)
      if (joinsEmoji.test(run) && emojiBefore.test(before) && (run === '\uFE0F' || emojiAfter.test(after))) return run
      if (/^[\u200C\u200D]$/.test(run) && joiningScript.test(before)) return run
      return hiddenMark
    })
}

/**
 * Cuts to at most `maxCharacters` UTF-16 units, with a visible mark behind, never inside a surrogate pair.
 */
export function cutText(text: string, maxCharacters: number): string {
  if (text.length <= maxCharacters) return text
  return `${text.slice(0, maxCharacters).replace(/[\uD800-\uDBFF]$/, '')} […cut]`
}
