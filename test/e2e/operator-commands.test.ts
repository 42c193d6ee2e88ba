import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { TableClient } from '@azure/data-tables'
import { europeWorkspace, foreignWorkspace } from '../../deploy/local/sentinel/workspaces.ts'
import { type Stack, startStack } from '../../deploy/local/start-stack.ts'
import { parseIncidentArmId } from '../../shared/arm-id.ts'
import { systemClock } from '../../shared/clock.ts'
import { Circuits } from '../../worker/recovery/circuits.ts'
import { createCallDependency } from '../../worker/recovery/immediate-retry.ts'
import { createTableRunStore, runsTable } from '../../worker/runs/table-run-store.ts'
import { useBundledWorker } from '../harness/bundled-worker.ts'
import { CommandProcess, type CommandResult, runCommand } from '../harness/command.ts'
import { incidentGuid } from '../harness/dead-letters.ts'
import { WorkerProcess } from '../harness/worker-process.ts'

describe("an operator's commands", { timeout: 150_000 }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'operator-'))
  let stack: Stack
  let environment: Record<string, string>
  before(async () => {
    await useBundledWorker()
    stack = await startStack({ sentinelThrottle: false, seeds: [] })
    environment = { ...stack.environment, XDG_STATE_HOME: folder }
  })
  after(async () => {
    await stack.close()
    rmSync(folder, { recursive: true })
  })

  const run = (...args: string[]) => runCommand(environment, ...args)
  const json = (result: CommandResult) => JSON.parse(result.stdout) as Record<string, unknown>
  const view = () => stack.broker.inspect('incidents')
  const addIncidents = (from: number, to: number, more: Record<string, unknown> = {}) => {
    for (let number = from; number < to; number++) {
      stack.sentinel.store.addIncident({
        id: incidentGuid(number),
        workspace: europeWorkspace,
        title: `Incident ${number}`,
        description: 'One password each was tried against 212 accounts.',
        severity: 'High',
        ageMinutes: number + 1,
        ...more,
      })
    }
  }
  const armIdOf = (number: number) => stack.sentinel.store.incident(incidentGuid(number)).id

  describe('backfill', () => {
    before(async () => {
      // More than a page of 200; of them some have the tag, some another severity, one is closed, one is being enriched.
      addIncidents(0, 215)
      addIncidents(430, 440, { labels: ['AI-Enriched'] })
      addIncidents(440, 445, { severity: 'Low' })
      addIncidents(445, 446, { status: 'Closed' })
      addIncidents(5_000, 5_003)
      const incident = parseIncidentArmId(armIdOf(3))
      assert.ok(incident)
      const runs = createTableRunStore({
        table: TableClient.fromConnectionString(stack.tables.connectionString, runsTable, {
          allowInsecureConnection: true,
        }),
        call: createCallDependency({
          circuits: new Circuits(),
          clock: systemClock,
          settings: { maxAttempts: 1, baseMs: 1, maxMs: 1 },
        }),
        clock: { ...systemClock, now: () => Date.now() + 300_000 },
      })
      const claim = { incident, playbook: 'recommended-steps', playbookVersion: 1, messageSequence: '1', owner: 'test' }
      await runs.claim(claim, AbortSignal.timeout(10_000))
    })

    it('pages through all incidents of the time and severity, and leaves out what has the tag or is being enriched', async () => {
      const args = ['backfill', '--workspace', europeWorkspace.armId, '--since', '24h', '--severity', 'High']
      const dry = json(await run(...args, '--dry-run', '--json'))
      assert.deepEqual(
        [dry.planned, dry.sent, dry.looked, dry.tagged, dry.running],
        [214, 0, 225, 10, 1],
        'those older than a day and of another severity were not asked for',
      )
      assert.equal(view().active.length, 0, 'a dry run sends nothing')

      const limited = await run(...args, '--limit', '5')
      assert.equal(limited.code, 1, 'some are left')
      assert.match(limited.stdout, /sent +5 .*\n.*tag\n.*right now\nskipped +209 +beyond --limit/)
      const oldest = view().active.map((one) => one.messageId)
      assert.deepEqual(
        oldest,
        [214, 213, 212, 211, 210].map((one) => `${incidentGuid(one)}:recommended-steps`),
      )
    })

    it('is resumed after a kill with the same command, and the same incident never is two messages', async () => {
      const args = ['backfill', '--since', '24h', '--rate', '1000/s', '--json']
      const killed = new CommandProcess(environment, ...args)
      while (view().active.length < 105) await once(stack.broker.events, 'enqueued')
      killed.child.kill('SIGKILL')
      assert.equal((await killed.result).code, null)
      const { code, stdout } = await run(...args)
      assert.equal(code, 0)
      assert.deepEqual(
        [JSON.parse(stdout).sent, JSON.parse(stdout).looked],
        [219, undefined],
        'the plan is the first one’s',
      )
      const ids = view().active.map((one) => one.messageId)
      assert.deepEqual([ids.length, new Set(ids).size], [219, 219])
    })

    it('refuses what the worker would dead-letter, and says in a sentence what ARM refuses', async () => {
      const foreign = await run('backfill', '--workspace', foreignWorkspace.armId)
      assert.deepEqual([foreign.code, foreign.stdout], [2, ''])
      assert.match(foreign.stderr, /SENTINEL_WORKSPACES does not list .* Nothing was sent/)
      stack.sentinel.faults.forbidWorkspace(europeWorkspace.workspace, true)
      const forbidden = await run('backfill', '--workspace', europeWorkspace.armId)
      stack.sentinel.faults.forbidWorkspace(europeWorkspace.workspace, false)
      assert.deepEqual([forbidden.code, forbidden.stdout], [1, ''])
      assert.match(forbidden.stderr, /ARM refuses listing the workspace's incidents \(AuthorizationFailed\)/)
    })
  })

  describe('run --drain', () => {
    it('ends by itself, with 0, once everything is done and the queue was empty for a while', async () => {
      // Twenty are enriched; the others have got their tag from somebody meanwhile.
      for (let number = 20; number < 500; number++) {
        if (number > 214 && (number < 440 || number > 444)) continue
        stack.sentinel.store.editIncident(incidentGuid(number), (properties) => {
          properties.labels = [{ labelName: 'ai-enriched', labelType: 'User' }]
        })
      }
      const settings = { SENTINEL_WRITES_PER_SECOND: '5000', CONCURRENCY: '40', PLAYBOOK: 'recommended-steps-economy' }
      const worker = new WorkerProcess({ ...stack.environment, ...settings }, 'run', '--drain', '--idle', '0.5')
      const stopped = await worker.line((line) => line.event === 'worker.stopped')
      assert.equal(await worker.exited, 0)
      assert.deepEqual([stopped.enriched, stopped.skipped], [19, 200])
      assert.equal(view().active.length, 0)
    })
    it('ends with 1 when it cannot start', async () => {
      const taken = createServer()
      await new Promise<void>((resolve) => taken.listen(0, resolve))
      const { port } = taken.address() as AddressInfo
      const refused = await runCommand({ ...environment, HEALTH_PORT: String(port) }, 'run', '--drain')
      taken.close()
      assert.equal(refused.code, 1)
      assert.match(refused.stderr, /The health port is taken/)
    })
  })

  describe('enqueue', () => {
    it('ends with 1 when the queue does not take them, and with 2 when there are none', async () => {
      const nowhere = await runCommand({ ...environment, SERVICEBUS_QUEUE: 'nowhere' }, 'enqueue', armIdOf(1))
      const none = await run('enqueue')
      assert.deepEqual([nowhere.code, none.code], [1, 2])
      assert.match(nowhere.stderr, /The queue does not exist/)
    })
  })

  describe('dlq replay', () => {
    it('knows what it will cost by the mean of past runs', async () => {
      const { expectedCost } = await import('../../worker/commands/dlq/expected-cost.ts')
      const { readOperatorConfiguration } = await import('../../worker/commands/operator-configuration.ts')
      const configuration = readOperatorConfiguration({ ...environment, PLAYBOOK: 'recommended-steps-economy' })
      const cost = await expectedCost(configuration, 100)
      assert.ok(typeof cost === 'object', String(cost))
      assert.ok(cost.runs === 19 && cost.tokens > 10_000 && cost.tokens < 2_000_000)
      assert.ok(cost.usd !== undefined && cost.usd > 0.01 && cost.usd < 1)
      const unknown = await expectedCost(readOperatorConfiguration(environment), 100)
      assert.equal(unknown, 'no run of recommended-steps has finished yet')
    })
  })

  describe('check', () => {
    const statusOf = (result: CommandResult, what: string) =>
      (json(result).results as { what: string; status: string; says: string; todo?: string }[]).filter((one) =>
        one.what.startsWith(what),
      )

    it('passes over the whole stack, a line each, and with --write leaves no trace on the incident', async () => {
      const result = await run('check', '--write', armIdOf(1))
      assert.equal(result.code, 0, result.stdout)
      const lines = result.stdout.split('\n')
      for (const line of lines) assert.ok(line.length <= 80, line)
      const passed = lines.filter((line) => line.startsWith('passed  ')).map((line) => line.slice(8).split(':')[0])
      assert.deepEqual(passed, [
        'configuration',
        'playbook',
        'identity',
        'queue',
        'queue settings',
        'queue counts',
        'workspace law-soc-europe',
        'workspace law-soc-cloud',
        'write to law-soc-europe',
        'model',
        'model limits',
        'tables',
      ])
      assert.match(result.stdout, /takes\s+max_completion_tokens/)
      const tasks = stack.sentinel.store.tasks(incidentGuid(1)).map((task) => task.properties.title)
      assert.ok(!tasks.includes('enricher check'))
      assert.ok(!result.stdout.includes('local-demo-key'))
    })

    it('names the missing role and the command that grants it; the other lines go on', async () => {
      stack.sentinel.faults.forbidWorkspace(europeWorkspace.workspace, true)
      stack.model.faults.always({ kind: 'unauthorized' })
      const wrong = { ...environment, SERVICEBUS_QUEUE: 'nowhere' }
      const result = await runCommand(wrong, 'check', '--json')
      stack.sentinel.faults.forbidWorkspace(europeWorkspace.workspace, false)
      stack.model.faults.clear()
      assert.equal(result.code, 1)
      const [workspace] = statusOf(result, 'workspace law-soc-europe')
      assert.equal(workspace?.status, 'failed')
      assert.match(
        workspace?.todo ?? '',
        /^az role assignment create --role "Microsoft Sentinel Responder" --assignee-object-id [0-9a-f-]{36} .* --scope \/subscriptions\/.*\/law-soc-europe$/,
      )
      assert.deepEqual(
        statusOf(result, 'queue').map((one) => [one.status, one.says]),
        [['failed', '"nowhere" does not exist']],
      )
      assert.equal(statusOf(result, 'model')[0]?.status, 'failed')
      assert.equal(statusOf(result, 'workspace law-soc-cloud')[0]?.status, 'passed')
      assert.equal(statusOf(result, 'tables')[0]?.status, 'passed')
    })

    it('tells every problem of the configuration', async () => {
      const bare = await runCommand({}, 'check', '--json')
      assert.equal(bare.code, 1)
      assert.ok(statusOf(bare, 'configuration').length >= 4)
    })
  })

  describe('playbook', () => {
    it('check tells every problem by line, with 1', async () => {
      const broken = join(folder, 'broken.yaml')
      writeFileSync(broken, 'name: X\nversion: 1\nmodel: m\ntag: t\nsystem: "{{ nothing }}"\nturns: []\n')
      const bad = await run('playbook', 'check', broken)
      assert.equal(bad.code, 1)
      assert.match(bad.stderr, /broken\.yaml:1 name /)
    })

    it('preview shows the exact messages, their tokens and cost, and asks no model: 0, 1, 2', async () => {
      const asked = stack.model.totals.requests
      const file = join(folder, 'incident.json')
      const nothing = join(folder, 'nothing.json')
      writeFileSync(nothing, '{}')
      writeFileSync(file, JSON.stringify({ object: stack.sentinel.store.incident(incidentGuid(2)) }))
      const [shown, empty, usage] = await Promise.all([
        run('playbook', 'preview', 'recommended-steps', '--incident', file, '--json'),
        run('playbook', 'preview', 'recommended-steps', '--incident', nothing),
        run('playbook', 'preview', 'no-such-playbook', '--incident', file),
      ])
      assert.deepEqual([shown.code, empty.code, usage.code], [0, 1, 2])
      const { calls } = json(shown) as {
        calls: { key: string; promptTokens: number; messages: { role: string; content: string }[] }[]
      }
      assert.deepEqual(
        calls.map((call) => call.key),
        ['plan/1', 'step/1', 'step/2', 'step/3'],
      )
      assert.deepEqual(
        calls[1]?.messages.map((one) => one.role),
        ['system', 'user', 'assistant', 'user'],
      )
      assert.match(calls[0]?.messages[1]?.content ?? '', /"title":\s*"Incident 2"/)
      assert.ok((calls[0]?.promptTokens ?? 0) > 100)
      assert.equal(stack.model.totals.requests, asked)
    })

    it('check tells what is cut first and how little fits; preview shows what is left out, with 1 where nothing fits', async () => {
      const file = join(folder, 'long.json')
      const description = 'Many words of text. '.repeat(250)
      writeFileSync(
        file,
        JSON.stringify({ properties: { title: 'Long', severity: 'High', status: 'New', description } }),
      )
      const within = (tokens: string, ...args: string[]) =>
        runCommand({ ...environment, TOKENS_PER_INCIDENT: tokens }, 'playbook', ...args)
      const preview = ['preview', 'recommended-steps', '--incident', file]
      const [checked, cut, tooSmall, wrong] = await Promise.all([
        within('6500', 'check', 'recommended-steps', '--json'),
        within('6500', ...preview),
        within('1000', ...preview),
        within('many', ...preview),
      ])
      const { priority, leastTokens } = json(checked) as { priority: string[]; leastTokens: number }
      assert.deepEqual(priority, ['description', 'alerts', 'entities', 'tactics', 'techniques'])
      assert.ok(leastTokens > 1_000 && leastTokens < 6_500, `${leastTokens}`)
      assert.match(cut.stdout, /\[left out to fit the token budget: \d+ of 4999 characters\]/)
      assert.match(
        cut.stdout,
        /Left out to fit TOKENS_PER_INCIDENT \(6500\): \d+ of 4999 characters of the description\./,
      )
      assert.match(tooSmall.stderr, /would be dead-lettered as TokenBudgetExceeded/)
      assert.match(wrong.stderr, /TOKENS_PER_INCIDENT/)
      assert.deepEqual([checked.code, cut.code, tooSmall.code], [0, 0, 1])
      assert.notEqual(wrong.code, 0)
    })
  })
})
