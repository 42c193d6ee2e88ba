import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import {
  maxCommentLength,
  maxTaskDescriptionLength,
  renderComment,
  renderTaskDescription,
  renderTitle,
} from '../../worker/sentinel/render.ts'

const allowed = /<\/?(p|br|ul|ol|li|b|code)>|<ol start="\d{1,3}">/g
/** What is left after our own tags are taken out: it may hold no markup of any kind. */
const foreign = (html: string) => html.replace(allowed, '')

describe('markdown becomes a few safe tags', () => {
  it('paragraphs, line breaks, bold, code and lists', () => {
    assert.equal(
      renderTaskDescription('## Look\nat **SigninLogs**\n\n- one\n- `two`\n\n3. three\n4. four\n\nend'),
      '<p><b>Look</b><br>at <b>SigninLogs</b></p><ul><li>one</li><li><code>two</code></li></ul>' +
        '<ol start="3"><li>three</li><li>four</li></ol><p>end</p>',
    )
  })
  it('text without markdown stays as it reads', () => {
    assert.equal(renderTaskDescription('Check the host; then call.'), '<p>Check the host; then call.</p>')
  })
})

describe("a model's text adds no markup of its own", () => {
  const hostile = [
    '<script>alert(1)</script>',
    '<img src=x onerror=alert(1)>',
    '![steal](https://evil.example/?d=1)',
    '[click](javascript:alert(1))',
    '<a href="https://evil.example">x</a>',
    '**<b onmouseover=x>bold</b>**',
    '`<svg/onload=x>`',
    '# <h1>',
    '1. <iframe src=//evil>',
    '&lt;script&gt;',
    '<https://evil.example>',
    'www.evil.example and http://evil.example and HTTPS://EVIL.example and data:text/html,x',
    '[ref]: https://evil.example "x"',
    '<!-- --><style>*{}</style>',
    '"><script>',
    '| a | b |\n|---|---|',
    '~~~html\n<script>\n~~~',
    '\u202Ereversed\u202C',
  ]
  for (const text of hostile) {
    it(JSON.stringify(text).slice(0, 60), () => {
      for (const html of [renderTaskDescription(text), renderComment(text)]) {
        const rest = foreign(html)
        assert.doesNotMatch(rest, /[<>"'`[\]!*_|~]/)
        assert.doesNotMatch(rest, /https?:\/\/|www\.|javascript:|data:/i)
        assert.doesNotMatch(rest, /&(?!amp;|lt;|gt;|quot;|#\d{2,3};)/)
      }
      assert.doesNotMatch(renderTitle(text), /[<>]|https?:\/\/|www\./i)
    })
  }
})

describe('limits', () => {
  const long = 'a & "b" <c> 👩‍🚀 **d** `e`\n'.repeat(2_000)
  it('a description has at most 3,000 characters, however they are counted, no broken entity, and every tag closed', () => {
    for (let cut = 0; cut < 60; cut++) {
      const html = renderTaskDescription(`${'x'.repeat(2_900 + cut)} & <${long}`)
      assert.ok(html.length <= maxTaskDescriptionLength, `${html.length}`)
      assert.doesNotMatch(foreign(html), /[<>]/)
      assert.doesNotMatch(foreign(html), /&(?!amp;|lt;|gt;|quot;|#\d{2,3};)/)
      assert.equal(html.isWellFormed(), true)
      for (const tag of ['p', 'b', 'code', 'ul', 'li']) {
        assert.equal(html.split(`<${tag}>`).length, html.split(`</${tag}>`).length, tag)
      }
    }
  })
  it('a comment has at most 30,000', () => {
    assert.ok(renderComment(long.repeat(10)).length <= maxCommentLength)
  })
  it('a title has at most 150 characters on one line, and is never empty', () => {
    assert.equal(renderTitle('x'.repeat(400)).length, 150)
    assert.ok(renderTitle('👩'.repeat(400)).length <= 150)
    assert.ok(renderTitle(`x${'👩'.repeat(400)}`).isWellFormed())
    assert.equal(renderTitle('a\n\tb   c'), 'a b c')
    assert.equal(renderTitle('<>'), 'Untitled step')
  })
  it('broken surrogates are replaced', () => {
    assert.equal(renderTaskDescription('x\uD800y').isWellFormed(), true)
  })
  it('hostile sizes take milliseconds', () => {
    const started = performance.now()
    for (const text of [
      '*'.repeat(200_000),
      '`'.repeat(200_000),
      '**a'.repeat(100_000),
      '_'.repeat(200_000),
      '- '.repeat(100_000),
      '1. '.repeat(70_000),
    ]) {
      renderComment(text)
    }
    assert.ok(performance.now() - started < 1_500, `${performance.now() - started} ms`)
  })
})
