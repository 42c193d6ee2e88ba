import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Command } from 'commander'
import { Failure } from '../../shared/failure.ts'
import { explainFailure, UsageError } from '../../worker/commands/explain-failure.ts'
import { createProgram } from '../../worker/commands/program.ts'

function everyCommand(command: Command, before: string[] = []): { name: string; command: Command }[] {
  const path = [...before, command.name()]
  return [{ name: path.join(' '), command }, ...command.commands.flatMap((one) => everyCommand(one, path))]
}

function helpOf(command: Command): string {
  let text = ''
  command.configureOutput({ writeOut: (some) => (text += some), getOutHelpWidth: () => 80 })
  command.outputHelp()
  return text
}

describe('enricher --help', () => {
  const commands = everyCommand(createProgram())
  it('has every command of the contract', () => {
    assert.deepEqual(
      commands.map(({ name }) => name),
      [
        'enricher',
        'enricher run',
        'enricher enqueue',
        'enricher backfill',
        'enricher dlq',
        'enricher dlq list',
        'enricher dlq show',
        'enricher dlq replay',
        'enricher dlq discard',
        'enricher check',
        'enricher playbook',
        'enricher playbook check',
        'enricher playbook preview',
      ],
    )
  })
  for (const { name, command } of commands) {
    it(`${name}: an example of itself, its exit codes, the roles it needs, and no option without a word`, () => {
      const help = helpOf(command)
      assert.match(help, new RegExp(`Examples?:[\\s\\S]*\\n.*${name}`))
      if (command.commands.length === 0) {
        assert.match(help, /Exit code: 0 [\s\S]*\b1 [\s\S]*\b2 /)
        assert.match(help, /The identity\s+needs|needs no identity|the worker's own\s+roles/)
      }
      for (const option of command.options) assert.ok(option.description.length > 5, option.flags)
      // Ids of Azure are longer than any terminal.
      const lines = help
        .split('\n')
        .filter((line) => !line.includes('/subscriptions/') && !line.includes('OPENAI_API_KEY_FILE'))
      for (const line of lines) assert.ok(line.length <= 80, line)
    })
  }
})

describe('a wrong option', () => {
  it("names the command's own help", () => {
    const list = everyCommand(createProgram()).find(({ name }) => name === 'enricher dlq list')?.command
    let told = ''
    list?.exitOverride().configureOutput({ writeErr: (some) => (told += some) })
    assert.throws(() => list?.parse(['--nope'], { from: 'user' }))
    assert.match(told, /unknown option '--nope'\n.*\(enricher dlq list --help shows what it takes\)/)
  })
})

describe('exit codes', () => {
  it('are 2 for wrong usage and 1 for what failed, each in a sentence without a stack', () => {
    const failure = new Failure('ARM is away.', { kind: 'outage', dependency: 'sentinel', code: 'HTTP_503' })
    assert.deepEqual(explainFailure(new UsageError('Say more.')), { text: 'Say more.', code: 2 })
    assert.deepEqual(explainFailure(failure), { text: 'ARM is away.', code: 1 })
    assert.equal(explainFailure(Object.assign(new Error('secret'), { code: 'UnauthorizedAccess' })).code, 1)
    assert.ok(!explainFailure(new Error('secret')).text.includes('secret'))
    const quoting = Object.assign(new Error('connect ECONNREFUSED 10.0.0.1:5671'), { code: 'GeneralError' })
    assert.match(explainFailure(new AggregateError([quoting])).text, /cannot be reached \(ECONNREFUSED\)/)
  })
})
