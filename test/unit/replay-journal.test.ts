import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { appendFileSync, existsSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import * as z from 'zod'
import { Journal, JournalBusyError, journalFolder } from '../../worker/replay/journal.ts'

const folder = mkdtempSync(join(tmpdir(), 'journal-'))
after(() => rmSync(folder, { recursive: true }))
let number = 0
const nextFile = () => join(folder, `${++number}.jsonl`)
const item = z.object({ sequence: z.string() })
const items = ['1', '2', '3'].map((sequence) => ({ sequence }))

describe('the journal', () => {
  it('goes on where an interrupted run stopped, with the same plan', () => {
    const file = nextFile()
    const first = Journal.start(file, 'enricher dlq replay', items, 0)
    first.record('sent', ['1', '2'])
    first.record('completed', ['1'])
    first.close()
    const second = Journal.resume(file, item)
    assert.ok(second)
    assert.deepEqual([second.items, [...second.sent], [...second.completed]], [items, ['1', '2'], ['1']])
    second.close()
  })

  it('survives a kill within a line, and does not glue the next line to it', () => {
    const file = nextFile()
    const first = Journal.start(file, 'x', items, 0)
    first.record('sent', ['1'])
    first.close()
    appendFileSync(file, '{"sent":["2"')
    const second = Journal.resume(file, item)
    second?.record('sent', ['3'])
    second?.close()
    const third = Journal.resume(file, item)
    assert.deepEqual([...(third?.sent ?? [])], ['1', '3'])
    third?.close()
  })

  it('is none when its plan was not wholly written: then nothing was done yet', () => {
    const file = nextFile()
    Journal.start(file, 'x', items, 0).close()
    truncateSync(file, readFileSync(file).length - 5)
    assert.equal(Journal.resume(file, item), undefined)
    assert.equal(Journal.resume(nextFile(), item), undefined)
  })

  it('belongs to one process; the lock of one that is gone is taken over', async () => {
    const file = nextFile()
    Journal.start(file, 'x', items, 0).close()
    const other = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'])
    writeFileSync(`${file}.lock`, String(other.pid))
    assert.throws(
      () => Journal.resume(file, item),
      (error) => error instanceof JournalBusyError && error.pid === other.pid,
    )
    const gone = new Promise((resolve) => other.once('exit', resolve))
    other.kill('SIGKILL')
    await gone
    Journal.resume(file, item)?.close()
    assert.ok(!existsSync(`${file}.lock`))
  })

  it('leaves a record behind when its run is over, and nothing to resume', () => {
    const file = nextFile()
    const record = Journal.start(file, 'x', items, Date.parse('2026-03-01T12:00:00Z')).end()
    assert.ok(existsSync(record) && !existsSync(file))
    assert.match(record, /2026-03-01T120000000Z\.done\.jsonl$/)
  })

  it("lies in the user's state folder, or where there is no home, in the temporary one", () => {
    assert.equal(journalFolder({ XDG_STATE_HOME: folder }), join(folder, 'incident-enricher'))
    writeFileSync(join(folder, 'a-file'), '')
    assert.equal(journalFolder({ XDG_STATE_HOME: join(folder, 'a-file') }), join(tmpdir(), 'incident-enricher'))
  })
})
