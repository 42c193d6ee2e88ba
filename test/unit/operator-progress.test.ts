import assert from 'node:assert/strict'
import { PassThrough } from 'node:stream'
import { describe, it } from 'node:test'
import { startProgress } from '../../worker/commands/terminal/progress.ts'

describe('progress of a run that goes on', () => {
  it('counts what was done before as done, and not as its pace', () => {
    let screen = ''
    const terminal = Object.assign(new PassThrough(), { isTTY: true, columns: 80 })
    terminal.on('data', (bytes: Buffer) => {
      screen += bytes.toString()
    })
    const progress = startProgress('Replaying', 1_000, 900, terminal as never)
    progress.update(900)
    assert.match(screen, / 900\/1000 {2}0\.0\/s {2}\? left/)
    progress.end()
  })
})
