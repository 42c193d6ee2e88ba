import { defangAddresses, defangSchemes } from '../untrusted/defang.ts'
import { refang, replaceIndicators } from '../untrusted/indicators.ts'
import { normaliseText } from '../untrusted/normalise-text.ts'

/**
 * The only door from a model's text to Sentinel. Task descriptions and comments are shown as HTML, and remote images in
 * them are fetched without a click, so nothing of the model's markup passes: text is escaped, and a few harmless tags of
 * our own making stand for the markdown that models write. Titles are plain text.
 */

export const maxTitleLength = 150
/** De facto limit of a task's description: longer ones are refused. */
export const maxTaskDescriptionLength = 3_000
/** Documented limit of a comment. */
export const maxCommentLength = 30_000

const cutMark = '…'

/** Whether the incident's text names an address, domain or hash: one that it does not name is marked, wherever it came from. */
export type IsKnown = (indicator: string) => boolean

const notInEvidence = '(not in evidence)'

/** Plain text for a task's title: one line without angle brackets, at most 150 characters. */
export function renderTitle(text: string, isKnown: IsKnown = () => true): string {
  const line = normaliseText(text.slice(0, maxInput(maxTitleLength)))
    .replace(/[<>]/g, '')
    .replace(/\s+/g, ' ')
    .trim()
  const title = shown(line, isKnown)
  if (title === '') return 'Untitled step'
  if (title.length <= maxTitleLength) return title
  return `${title
    .slice(0, maxTitleLength - 1)
    .replace(/[\uD800-\uDBFF]$/, '')
    .trimEnd()}${cutMark}`
}

/** Safe HTML for a task's description. */
export function renderTaskDescription(markdown: string, isKnown: IsKnown = () => true): string {
  return renderHtml(markdown, maxTaskDescriptionLength, isKnown)
}

/** Safe HTML for a comment. */
export function renderComment(markdown: string, isKnown: IsKnown = () => true): string {
  return renderHtml(markdown, maxCommentLength, isKnown)
}

/** What cannot be shown anyway need not be read: markup and blanks take some room, but not this much. */
function maxInput(maxLength: number): number {
  return Math.ceil(1.5 * maxLength) + 1_000
}

/**
 * Paragraphs, line breaks, lists, bold and code as `<p> <br> <ul> <ol> <li> <b> <code>`, everything else escaped; at most
 * `maxLength` UTF-16 units in all (so no more code points either: nobody says which of the two the service counts), cut between characters with every tag closed and no entity broken.
 */
function renderHtml(markdown: string, maxLength: number, isKnown: IsKnown): string {
  const out = new BoundedHtml(maxLength, isKnown)
  let fence: string[] | undefined
  let list: 'ul' | 'ol' | undefined
  let paragraph = false
  const closeBlock = () => {
    if (list) out.close(list)
    if (paragraph) out.close('p')
    list = undefined
    paragraph = false
  }
  const closeFence = () => {
    if (fence?.length) {
      out.open('p')
      out.code(fence)
      out.close('p')
    }
    fence = undefined
  }
  for (const raw of normaliseText(markdown.slice(0, maxInput(maxLength))).split('\n')) {
    const line = raw.trim()
    if (/^(```|~~~)/.test(line)) {
      closeBlock()
      if (fence) closeFence()
      else fence = []
      continue
    }
    if (fence) {
      fence.push(raw.trimEnd())
      continue
    }
    if (line === '' || /^([-*_]\s*){3,}$/.test(line)) {
      closeBlock()
      continue
    }
    const heading = /^#{1,6}\s+(.*)$/.exec(line)
    const bullet = /^[-*•]\s+(.*)$/.exec(line)
    const numbered = /^(\d{1,3})[.)]\s+(.*)$/.exec(line)
    if (bullet || numbered) {
      const kind = bullet ? 'ul' : 'ol'
      if (list !== kind) {
        closeBlock()
        // A list that a paragraph interrupted goes on with its own number; `start` is a number of ours, not text.
        const start = numbered ? Number(numbered[1]) : 1
        out.open(kind, kind === 'ol' && start !== 1 ? ` start="${start}"` : '')
        list = kind
      }
      out.open('li')
      inline(out, bullet?.[1] ?? numbered?.[2] ?? '')
      out.close('li')
      continue
    }
    if (list) closeBlock()
    if (paragraph) out.single('<br>')
    else out.open('p')
    paragraph = true
    if (heading) out.open('b')
    inline(out, heading?.[1] ?? line)
    if (heading) out.close('b')
  }
  closeFence()
  closeBlock()
  return out.finish()
}

/** `**bold**`, `__bold__` and `` `code` `` inside one line; an unpaired mark is just text. Linear in the line's length. */
function inline(out: BoundedHtml, line: string): void {
  for (const part of line.split(/(\*\*[^*]+\*\*|__[^_]+__|`[^`]+`)/)) {
    if (/^(\*\*|__).+\1$/.test(part)) out.wrap('b', part.slice(2, -2))
    else if (/^`.+`$/.test(part)) out.code([part.slice(1, -1)])
    else out.text(part)
  }
}

type Tag = 'p' | 'ul' | 'ol' | 'li' | 'b' | 'code'

/** Collects HTML up to a length; whatever does not fit is left out with a mark, and open tags are always closed. */
class BoundedHtml {
  readonly #max: number
  readonly #parts: string[] = []
  readonly #open: Tag[] = []
  readonly #isKnown: IsKnown
  #length = 0
  /** Length of the closing tags of what is open. */
  #owed = 0
  #full = false

  constructor(max: number, isKnown: IsKnown) {
    this.#max = max
    this.#isKnown = isKnown
  }

  open(tag: Tag, attributes = ''): void {
    if (this.#full || !this.#add(`<${tag}${attributes}>`, `</${tag}>`.length)) return
    this.#open.push(tag)
    this.#owed += tag.length + 3
  }

  close(tag: Tag): void {
    if (this.#open.at(-1) !== tag) return
    this.#open.pop()
    this.#owed -= tag.length + 3
    this.#parts.push(`</${tag}>`)
    this.#length += `</${tag}>`.length
  }

  single(html: string): void {
    if (!this.#full) this.#add(html, 0)
  }

  wrap(tag: Tag, text: string): void {
    this.open(tag)
    this.text(text)
    this.close(tag)
  }

  text(text: string): void {
    this.#escaped(shown(text, this.#isKnown))
  }

  /** Lines of code: addresses in them stay as a query needs them, and what is not in evidence is told behind. */
  code(lines: string[]): void {
    this.open('code')
    lines.forEach((line, index) => {
      if (index > 0) this.single('<br>')
      this.#escaped(defangSchemes(line))
    })
    this.close('code')
    const foreign = new Set<string>()
    replaceIndicators(refang(lines.join('\n')), (found) => {
      if (!this.#isKnown(found)) foreign.add(defangAddresses(found))
      return found
    })
    if (foreign.size > 0) this.#escaped(` (not in evidence: ${[...foreign].slice(0, 10).join(', ')})`)
  }

  #escaped(text: string): void {
    for (const point of text) {
      if (this.#full) return
      this.#add(escapes[point] ?? point, 0)
    }
  }

  finish(): string {
    while (this.#open.length > 0) this.close(this.#open.at(-1) as Tag)
    return this.#parts.join('')
  }

  /** Adds when it fits beside the closing tags still owed and a cut mark; else marks the cut and is full. */
  #add(html: string, owedMore: number): boolean {
    if (this.#length + html.length + this.#owed + owedMore + cutMark.length > this.#max) {
      this.#full = true
      this.#parts.push(cutMark)
      this.#length += cutMark.length
      return false
    }
    this.#parts.push(html)
    this.#length += html.length
    return true
  }
}

/** Markdown's own marks become entities too: a page that reads markdown finds none, one that reads HTML shows the character. */
const escapes: Record<string, string> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
  '`': '&#96;',
  '[': '&#91;',
  ']': '&#93;',
  '!': '&#33;',
  '*': '&#42;',
  _: '&#95;',
  '#': '&#35;',
  '|': '&#124;',
  '~': '&#126;',
}

/** Text as it is shown: addresses that nobody can click, each with a mark when the incident does not name it. */
function shown(text: string, isKnown: IsKnown): string {
  return defangAddresses(
    replaceIndicators(refang(text), (found) => (isKnown(found) ? found : `${found} ${notInEvidence}`)),
  )
}
