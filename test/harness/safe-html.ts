import assert from 'node:assert/strict'

const ours = /<\/?(?:p|br|ul|ol|li|b|code)>|<ol start="\d{1,3}">/g
const tagPattern = /<(\/?)(p|br|ul|ol|li|b|code)(?: start="\d{1,3}")?>/g

/** Fails unless the HTML is made of our own tags, closed in order, and of text that can become no markup of any syntax. */
export function assertSafeHtml(html: string, maxLength: number, what: string): void {
  const rest = html.replace(ours, '')
  assert.ok(html.length <= maxLength, `${what}: ${html.length} characters`)
  assert.ok(html.isWellFormed(), `${what}: a broken surrogate`)
  assert.doesNotMatch(rest, /[<>"'`[\]!*_|~#](?<!&#)/, `${what}: markup`)
  assert.doesNotMatch(rest, /&(?!amp;|lt;|gt;|quot;|#\d{2,3};)/, `${what}: a broken entity`)
  const opens = /https?:\/\/|ftp:\/\/|www\.\S|\b(?:javascript|vbscript|data|file|mailto):\S/i.exec(rest)
  assert.equal(
    opens && rest.slice(Math.max(0, opens.index - 20), opens.index + 30),
    null,
    `${what}: an address that opens`,
  )
  assert.doesNotMatch(
    rest,
    /(?!\n)[\p{Cc}\u200B\u200E\u200F\u202A-\u202E\u2060-\u2069\u{E0000}-\u{E007F}]/u,
    `${what}: something invisible`,
  )
  const open: string[] = []
  for (const [, slash, tag = ''] of html.matchAll(tagPattern)) {
    if (tag === 'br') continue
    if (slash) assert.equal(open.pop(), tag, `${what}: tags cross`)
    else open.push(tag)
  }
  assert.deepEqual(open, [], `${what}: open tags`)
}

/** The same for a task's title, which is plain text. */
export function assertSafeTitle(title: string, what: string): void {
  assert.ok(title.length <= 150 && title !== '', `${what}: ${title.length} characters`)
  assert.ok(title.isWellFormed(), what)
  assert.doesNotMatch(title, /[<>\n]|https?:\/\/|www\.\S/i, what)
}
