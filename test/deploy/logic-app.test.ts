import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import { decodeIncidentMessage, firstMessageId } from '../../shared/message-envelope.ts'
import { deployedWith } from './deployed-with.ts'
import { evaluateTemplate, type WorkflowContext } from './logic-app/evaluate-template.ts'

const armId =
  '/subscriptions/00000000-0000-4000-8000-000000000000/resourceGroups/rg-soc/providers/Microsoft.OperationalInsights/workspaces/law-soc/providers/Microsoft.SecurityInsights/Incidents/73E01A99-5CD7-4139-A149-9F2736FF2AB5'
const guid = '73e01a99-5cd7-4139-a149-9f2736ff2ab5'

interface Sent {
  /** As the broker gets it. */
  body: Buffer
  messageId: string
  url: string
}

interface Workflow {
  definition: { actions: Record<string, { type: string; inputs: Record<string, unknown> }>; parameters: object }
  parameters: Record<string, { value: unknown }>
}

const definitions = { http: workflowOf('http'), connector: workflowOf('connector') }

function workflowOf(variant: string): Workflow {
  const { resources } = deployedWith({ TRIGGER: variant })
  const workflow = resources.find((one) => one.type === 'Microsoft.Logic/workflows')
  return workflow?.body.properties as Workflow
}

/** Runs the workflow's only action on what the trigger gave, as far as the broker. */
function run(workflow: Workflow, trigger: WorkflowContext['trigger']): Sent {
  const parameters = Object.fromEntries(Object.entries(workflow.parameters).map(([name, { value }]) => [name, value]))
  const [action, ...more] = Object.values(workflow.definition.actions)
  assert.equal(more.length, 0, 'one action')
  const inputs = evaluateTemplate(action?.inputs, { trigger, parameters }) as Record<string, never>
  const { body, path, uri, headers } = inputs as unknown as {
    body: Record<string, string>
    path: string
    uri: string
    headers: Record<string, string>
  }
  if (action?.type === 'Http') {
    const { MessageId } = JSON.parse(headers.BrokerProperties ?? '') as { MessageId: string }
    return { body: Buffer.from(JSON.stringify(body)), messageId: MessageId, url: uri }
  }
  // The connector takes base64 and gives the broker the bytes.
  return { body: Buffer.from(body.ContentData ?? '', 'base64'), messageId: body.MessageId ?? '', url: path }
}

const trigger = (object: Record<string, unknown>) => ({ body: { objectEventType: 'Create', object } })

for (const [variant, workflow] of Object.entries(definitions)) {
  describe(`the Logic App, variant ${variant}`, () => {
    it('sends the ARM id of the incident with the message id that enqueue and backfill use', () => {
      const sent = run(workflow, trigger({ id: armId, name: '73E01A99-5CD7-4139-A149-9F2736FF2AB5' }))
      assert.equal(decodeIncidentMessage(sent.body).key, armId.toLowerCase())
      assert.equal(sent.messageId, firstMessageId(guid, 'recommended-steps'))
    })

    it('sends to the queue that the worker reads', () => {
      const { outputs, queue } = deployedWith({})
      const { url } = run(workflow, trigger({ id: armId, name: guid }))
      const paths = {
        http: `https://${outputs.serviceBusHostName}/${queue.name}/messages`,
        connector: `/${queue.name}/messages`,
      }
      assert.equal(url, paths[variant as 'http'])
    })

    it('finds the id in the link to the incident where the trigger gives no id', () => {
      const incidentUrl = `https://portal.azure.com/#asset/Microsoft_Azure_Security_Insights/Incident${armId}`
      const sent = run(workflow, trigger({ name: guid, properties: { incidentUrl } }))
      assert.equal(decodeIncidentMessage(sent.body).key, armId.toLowerCase())
    })

    it('every parameter of the definition gets a value, and no other', () => {
      const { definition, parameters } = workflow
      assert.deepEqual(Object.keys(parameters).sort(), Object.keys(definition.parameters).sort())
    })

    const payloads = new URL('../../../shared/data/payloads/', import.meta.url)
    const absent = existsSync(payloads) ? false : 'the payloads are not here (../shared/data/payloads)'
    it('what real triggers gave becomes a message that the worker takes', { skip: absent }, () => {
      const files = readdirSync(payloads)
      assert.ok(files.length >= 4)
      for (const file of files) {
        const { _source, ...payload } = JSON.parse(restore(readFileSync(new URL(file, payloads), 'utf8')))
        assert.ok(_source)
        const outputs = 'body' in payload ? payload : { body: payload }
        const sent = run(workflow, outputs)
        const incident = decodeIncidentMessage(sent.body)
        assert.equal(sent.messageId, firstMessageId(incident.incident, 'recommended-steps'), file)
      }
    })

    it('a broken definition is found', () => {
      const text = JSON.stringify(workflow)
      const good = trigger({ id: armId, name: guid })
      const broken: [from: string, to: string, problem: RegExp][] = [
        ["triggerBody()?['object']?['id']", "triggerBody()?['Object']?['id']", /names no Sentinel incident|split/],
        ['triggerBody()', 'triggerBodies()', /triggerBodies is not understood/],
        ["parameters('playbook')", "parameters('book')", /book has no value/],
        ['toLower(', 'toLower((', /cannot start with|expected/],
      ]
      for (const [from, to, problem] of broken) {
        assert.ok(text.includes(from), from)
        assert.throws(() => decodeIncidentMessage(run(JSON.parse(text.replaceAll(from, to)), good).body), problem)
      }
    })
  })
}

/** Puts back what the payloads' authors blacked out: ids in the form that the service gives. */
function restore(text: string): string {
  return text
    .replace(/("id": )"REDACTED"/, `$1"${armId}"`)
    .replace(/("name": )"REDACTED"/, `$1"${guid}"`)
    .replaceAll('<REDACTED_SUBSCRIPTION_ID>', '00000000-0000-4000-8000-000000000000')
}
