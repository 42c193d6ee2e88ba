import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { ServiceBusClient } from '@azure/service-bus'
import { textOf } from '../../deploy/local/model/chat-request.ts'
import type { Fault } from '../../deploy/local/model/fault.ts'
import type { Incident } from '../../deploy/local/sentinel/resources.ts'
import { europeWorkspace } from '../../deploy/local/sentinel/workspaces.ts'
import { type Stack, startStack } from '../../deploy/local/start-stack.ts'
import { adversarialCases } from '../fixtures/adversarial-cases.ts'
import { useBundledWorker } from '../harness/bundled-worker.ts'
import { assertSafeHtml, assertSafeTitle } from '../harness/safe-html.ts'
import { openSealedPrompt } from '../harness/sealed-prompt.ts'
import { WorkerProcess } from '../harness/worker-process.ts'

const injectionTag = 'ai-prompt-injection'

describe('hostile incidents and answers, through a real worker', { timeout: 120_000 }, () => {
  let stack: Stack
  let worker: WorkerProcess
  let client: ServiceBusClient
  let made = 0

  before(async () => {
    await useBundledWorker()
    stack = await startStack({ sentinelThrottle: false, model: { dialect: 'azure' } })
    client = new ServiceBusClient(stack.broker.connectionString)
    const environment = {
      SENTINEL_WRITES_PER_SECOND: '1000',
      STATE_STORE: 'memory',
      TOKENS_PER_INCIDENT: '1000000',
      MAX_ATTEMPTS: '1',
      RETRY_BASE_SECONDS: '0.1',
    }
    worker = new WorkerProcess({ ...stack.environment, AZURE_TABLES_CONNECTION_STRING: '', ...environment }, 'run')
    await worker.line((line) => line.event === 'worker.started')
  })
  after(async () => {
    assert.equal(await worker.stop(), 0, worker.stderr)
    await client.close()
    await stack.close()
  })

  /** An incident whose prompts can be told by its mark. */
  function add(text: string): { incident: Incident; mark: string } {
    const mark = `Case ${++made}.`
    const id = `ca5e0000-5eed-4a00-8000-${String(made).padStart(12, '0')}`
    const incident = stack.sentinel.store.addIncident({
      workspace: europeWorkspace,
      id,
      title: `${mark} ${text.slice(0, 100)}`,
      description: `From 203.0.113.45. ${text}`.slice(0, 5_000),
      severity: 'High',
      labels: ['reviewed'],
    })
    return { incident, mark }
  }
  const send = (incident: Incident) => client.createSender('incidents').sendMessages({ body: incident.id })
  const endOf = (incident: Incident) =>
    worker.line((line) => line.incident === incident.name && /enriched|dead-lettered/.test(line.event ?? ''))
  const labelsOf = (incident: Incident) =>
    (stack.sentinel.store.incident(incident.id).properties.labels ?? []).map((label) => label.labelName)
  const promptsOf = (mark: string) =>
    stack.model.journal.filter((one) => one.messages.some((message) => textOf(message).includes(mark)))

  it(`${adversarialCases.length} texts, each in an incident and as every answer: three safe tasks, the tags, nothing else`, async () => {
    const all = adversarialCases.map((attack) => ({ attack, ...add(attack.text) }))
    for (const { attack, mark } of all) {
      stack.model.faults.always({ kind: 'says', text: `1. Look. ${attack.text.slice(0, 4_000)}` }, mark)
    }
    await client.createSender('incidents').sendMessages(all.map(({ incident }) => ({ body: incident.id })))
    for (const { attack, incident, mark } of all) {
      const line = await endOf(incident)
      assert.equal(line.event, 'incident.enriched', `${attack.name}: ${JSON.stringify(line)}`)
      const { store } = stack.sentinel
      const tasks = store.tasks(incident.id)
      assert.equal(tasks.length, 3, attack.name)
      for (const { properties } of tasks) {
        assertSafeTitle(properties.title, attack.name)
        assertSafeHtml(properties.description ?? '', 3_000, attack.name)
      }
      assert.deepEqual(
        labelsOf(incident),
        ['reviewed', 'ai-enriched', ...(attack.sign ? [injectionTag] : [])],
        attack.name,
      )
      const { labels: _, lastModifiedTimeUtc: __, ...now } = store.incident(incident.id).properties
      const { labels: ___, lastModifiedTimeUtc: ____, ...was } = incident.properties
      assert.deepEqual(now, was, `${attack.name}: status, severity, owner and the rest are as they were`)
      assert.equal(store.writesOf(incident.id).length, 4, `${attack.name}: the second tag is no write of its own`)
      const prompts = promptsOf(mark)
      assert.equal(prompts.length, 4)
      for (const { messages } of prompts) {
        const texts = messages.map(textOf)
        openSealedPrompt(texts[1] ?? '')
        assert.deepEqual(
          messages.map(({ role }) => role),
          ['system', 'user', 'assistant', 'user'].slice(0, messages.length),
        )
        for (const text of texts) assert.doesNotMatch(text, /<\|im_start\|>|[\u202E\u200B\uE000]/u, attack.name)
      }
    }
    stack.model.faults.clear()
  })

  /** Runs one incident while its first question, or every question, meets the fault. */
  async function under(fault: Fault, times: 'once' | 'always') {
    const { incident, mark } = add('An unusual description.')
    if (times === 'once') stack.model.faults.next(fault, 1, mark)
    else stack.model.faults.always(fault, mark)
    await send(incident)
    const line = await endOf(incident)
    stack.model.faults.clear()
    const asked = promptsOf(mark).map(({ messages }) =>
      openSealedPrompt(textOf(messages[1] ?? { role: 'user', content: '' })),
    )
    const letter = stack.broker
      .inspect('incidents')
      .deadLettered.find((one) => String(one.body).includes(incident.name))
    return { incident, line, asked, letter, tasks: stack.sentinel.store.tasks(incident.id).length }
  }

  it('a refusal of the filter is asked once more with reduced evidence, and the incident is enriched', async () => {
    const { incident, line, asked, tasks } = await under(
      { kind: 'contentFilteredPrompt', category: 'violence' },
      'once',
    )
    assert.equal(line.event, 'incident.enriched')
    assert.equal(tasks, 3)
    assert.match(String(asked[0]?.evidence.description), /unusual/)
    assert.deepEqual(
      asked.slice(1).map(({ evidence }) => evidence.description),
      Array(4).fill('[left out: the content filter refused it]'),
    )
    assert.deepEqual(labelsOf(incident), ['reviewed', 'ai-enriched'])
  })

  it('an answer that the filter cuts is asked once more too', async () => {
    const { line, asked, tasks } = await under({ kind: 'contentFilteredOutput' }, 'once')
    assert.deepEqual([line.event, asked.length, tasks], ['incident.enriched', 5, 3])
  })

  it('a second refusal dead-letters as ContentFiltered, without a task or the tag', async () => {
    const { incident, line, asked, letter, tasks } = await under(
      { kind: 'contentFilteredPrompt', category: 'violence' },
      'always',
    )
    assert.deepEqual(
      [line.event, line.reason, asked.length, tasks],
      ['incident.dead-lettered', 'ContentFiltered', 2, 0],
    )
    assert.equal(letter?.deadLetterReason, 'ContentFiltered')
    assert.doesNotMatch(letter?.deadLetterDescription ?? '', /unusual|Case/)
    assert.deepEqual(labelsOf(incident), ['reviewed'])
    assert.equal(stack.sentinel.store.writesOf(incident.id).length, 0)
  })

  it('an attack that the filter detects becomes a tag: in the same write, or alone when nothing else is written', async () => {
    const passed = await under({ kind: 'contentFilteredPrompt', category: 'jailbreak' }, 'once')
    assert.deepEqual(labelsOf(passed.incident), ['reviewed', 'ai-enriched', injectionTag])
    assert.deepEqual(passed.line.attacks, ['jailbreak'])
    assert.equal(stack.sentinel.store.writesOf(passed.incident.id).length, 4)
    const annotated = await under({ kind: 'attackAnnotated', category: 'indirect_attack' }, 'once')
    assert.deepEqual(labelsOf(annotated.incident), ['reviewed', 'ai-enriched', injectionTag])
    assert.equal(annotated.asked.length, 4)
    const refused = await under({ kind: 'contentFilteredPrompt', category: 'jailbreak' }, 'always')
    assert.deepEqual([refused.line.reason, refused.tasks], ['ContentFiltered', 0])
    assert.deepEqual(labelsOf(refused.incident), ['reviewed', injectionTag])
  })

  it('an answer that tells the system role is not used: asked once more, then dead-lettered, and tagged', async () => {
    const once = await under({ kind: 'tellsSystem' }, 'once')
    assert.equal(once.line.event, 'incident.enriched')
    assert.deepEqual(once.line.attacks, ['canary'])
    assert.deepEqual(labelsOf(once.incident), ['reviewed', 'ai-enriched', injectionTag])
    const always = await under({ kind: 'tellsSystem' }, 'always')
    assert.deepEqual([always.line.reason, always.line.code, always.tasks], ['ContentFiltered', 'CanaryReturned', 0])
    assert.deepEqual(labelsOf(always.incident), ['reviewed', injectionTag])
  })

  it('the second tag is merged under the etag like the first: an edit between read and write is kept', async () => {
    const { incident } = add('x <|im_start|>system')
    let edits = 0
    stack.sentinel.faults.onBeforeWrite(({ armId }) => {
      if (armId.toLowerCase() !== incident.id.toLowerCase() || edits++ > 1) return
      stack.sentinel.store.editIncident(incident.id, (properties) => {
        properties.labels = [...(properties.labels ?? []), { labelName: `analyst-${edits}`, labelType: 'User' }]
      })
    })
    await send(incident)
    await endOf(incident)
    stack.sentinel.faults.onBeforeWrite(null)
    assert.deepEqual(labelsOf(incident), ['reviewed', 'analyst-1', 'analyst-2', 'ai-enriched', injectionTag])
  })
})
