import assert from 'node:assert/strict'
import { test } from 'node:test'
import { chooseSteps, topics } from '../../../deploy/local/model/answers/choose-steps.ts'
import { generalSteps } from '../../../deploy/local/model/answers/general-steps.ts'
import { readIncidentFacts } from '../../../deploy/local/model/answers/incident-facts.ts'
import { askedStepCount, askedStepNumber } from '../../../deploy/local/model/answers/read-question.ts'
import { demoNote, writeStep } from '../../../deploy/local/model/answers/write-steps.ts'
import { startForTest } from './model-under-test.ts'

const system = {
  role: 'system' as const,
  content: 'You are a senior security operations analyst. Write at most 200 words.',
}
const asks = (incident: string, steps = '3') => ({
  role: 'user' as const,
  content: `Recommend ${steps} steps to investigate the following Microsoft Sentinel incident.\nAnswer with a numbered list.\n\n${incident}`,
})
const spray =
  'Title: Password spray against alex@fabrikam.example\nSeverity: High\nTactics: CredentialAccess\nDescription: Many failed logins from 203.0.113.4'

const kinds: [title: string, sign: RegExp][] = [
  ['Email with a credential phishing link delivered', /EmailEvents|mailbox/],
  ['Ransomware activity: shadow copies deleted', /backup|Isolate/],
  ['Brute force attack against user credentials', /attempt that succeeded/],
  ['Impossible travel of a user', /user's habit/],
  ['Lateral movement with PsExec', /host to host/],
  ['Mass download to a private OneDrive', /Measure what left/],
  ['User elevated to Global Administrator role', /which right/],
  ['Beaconing to a known C2 address', /rhythm/],
  ['Scheduled task created for persistence', /starts by itself/],
  ['Malware hash found on a host', /how new the file is/],
  ['AWS security group opened to the internet', /Reconstruct the change/],
  ['OAuth application consent by an end user', /application was given/],
  ['DNS tunnelling suspected', /queries themselves/],
  ['Insider risk: departing employee', /without judging/],
]

for (const [title, sign] of kinds) {
  test(`the plan follows the incident: ${title}`, async (t) => {
    const { ask } = await startForTest(t)
    const { data } = await ask({
      messages: [system, asks(`Title: ${title}\nSeverity: Medium\nTactics: none given\nDescription: `)],
    })
    const plan = data.choices[0]?.message.content ?? ''
    assert.match(plan, sign)
    assert.deepEqual(plan.match(/^\d+\. \*\*.{8,70}?\*\*: /gm)?.length, 3)
    assert.ok(plan.endsWith(demoNote))
  })
}

test('a plan has as many steps as were asked for, in figures or words, each once', async (t) => {
  const { ask } = await startForTest(t)
  for (const [asked, count] of [
    ['1', 1],
    ['three recommended', 3],
    ['5', 5],
    ['twelve', 12],
  ] as const) {
    const { data } = await ask({ messages: [system, asks(spray, asked)] })
    const titles = [...(data.choices[0]?.message.content ?? '').matchAll(/^(\d+)\. \*\*(.+?)\*\*/gm)]
    assert.deepEqual(
      titles.map(([, number]) => Number(number)),
      Array.from({ length: count }, (_, index) => index + 1),
    )
    assert.equal(new Set(titles.map(([, , title]) => title)).size, count)
  }
})

test('a follow-up expands the step that it asks for, by the title of the first answer, and names what the incident names', async (t) => {
  const { ask } = await startForTest(t)
  const first = await ask({ messages: [system, asks(spray)] })
  const plan = first.data.choices[0]?.message.content ?? ''
  const titles = [...plan.matchAll(/^\d+\. \*\*(.+?)\*\*/gm)].map(([, title = '']) => title)
  const texts = new Set<string>()
  for (const [index, title] of titles.entries()) {
    const { data } = await ask({
      messages: [
        system,
        asks(spray),
        { role: 'assistant', content: plan },
        {
          role: 'user',
          content: `Give step ${index + 1} alone: what exactly to do. Do not repeat the other steps. At most 200 words.`,
        },
      ],
    })
    const text = data.choices[0]?.message.content ?? ''
    assert.ok(text.startsWith(`**${title}**\n`))
    assert.match(text, /^Query: `\w+.* \| .*`$/m)
    assert.match(text, /^Escalate if /m)
    assert.match(text, /alex@fabrikam\.example|203\.0\.113\.4/)
    assert.ok(text.endsWith(demoNote))
    for (const other of titles) if (other !== title) assert.ok(!text.includes(other))
    texts.add(text)
  }
  assert.equal(texts.size, 3)
})

test('a plan that another model wrote is continued in its own words', async (t) => {
  const { ask } = await startForTest(t)
  const plan =
    '### Steps\n1. Review the firewall: look for odd ports.\n2) Interview the owner - ask what they did.\n   Be polite.\n3. **Restore** the host'
  const messages = [
    asks(spray),
    { role: 'assistant' as const, content: plan },
    { role: 'user' as const, content: 'And the second step?' },
  ]
  const { data } = await ask({ messages })
  const text = data.choices[0]?.message.content ?? ''
  assert.match(text, /^\*\*Interview the owner\*\*\n\nask what they did\. Be polite\./)
})

test('the wanted step is found in many wordings', () => {
  for (const text of [
    'Give step 2 alone. At most 200 words, and do not repeat steps 1 and 3.',
    'Now explain the second step in detail.',
    'Please elaborate on step number two',
    'Only step 2.',
    'Describe the 2nd recommended step',
    'number 2 please',
    '2.',
    'Step #2: expand',
    'expand **step 2** only',
    'Task 2, in 3 sentences',
    'The second one, in full.',
  ]) {
    assert.equal(askedStepNumber(text, 3), 2, text)
  }
  assert.equal(askedStepNumber('the last step', 3), 3)
  assert.equal(askedStepNumber('Thank you.', 3), undefined)
})

test('the number of steps is found in many wordings', () => {
  for (const [text, count] of [
    ['Give me three recommended investigation steps', 3],
    ['a list of exactly 5 steps', 5],
    ['Suggest four concrete, short actions', 4],
    ['What should be done?', 3],
    ['Recommend 0 steps', 1],
    ['Recommend 900 steps', 20],
  ] as const) {
    assert.equal(askedStepCount(text), count, text)
  }
})

test('every step in detail has 80 to 160 words, a query and a way to escalate, and its title is its own', () => {
  const all = [...topics.flatMap((topic) => topic.steps), ...generalSteps]
  const named = readIncidentFacts(
    `Title: ${'A long title of an incident '.repeat(3)}\nDescription: a@b.example on host: SRV-1 from 203.0.113.4`,
  )
  for (const step of all) {
    for (const facts of [readIncidentFacts(''), named]) {
      const text = writeStep(step, facts)
      const words = text.split(/\s+/).length
      assert.ok(words >= 80 && words <= 160, `${step.title}: ${words}`)
      assert.ok(!/[{}<>]|https?:/.test(text.replace(/ where .*/g, '')), step.title)
      assert.ok(!/\{(account|host|ip|domain|hash)\}/.test(text), step.title)
    }
  }
  assert.equal(new Set(all.map((step) => step.title)).size, all.length)
})

test('an incident of no known kind gets the general steps; a small talk gets a short answer', async (t) => {
  assert.deepEqual(chooseSteps(readIncidentFacts('Title: value'), 3), generalSteps.slice(0, 3))
  const { ask } = await startForTest(t)
  const { data } = await ask({ messages: [{ role: 'user', content: 'ping' }] })
  assert.ok((data.choices[0]?.message.content ?? '').length < 120)
  const summary = await ask({ messages: [{ role: 'user', content: `Summarise the incident.\n${spray}` }] })
  assert.match(summary.data.choices[0]?.message.content ?? '', /^"Password spray.*reads like password guessing/)
})

test('hostile incident text is read in time', () => {
  for (const text of [
    'a@'.repeat(50_000),
    'a.'.repeat(50_000),
    '1.'.repeat(50_000),
    `title: ${'*'.repeat(90_000)}`,
    ' \n'.repeat(50_000),
  ]) {
    const startedAt = performance.now()
    chooseSteps(readIncidentFacts(`Title: x\nDescription: ${text}`), 3)
    askedStepNumber(text, 3)
    assert.ok(performance.now() - startedAt < 500, text.slice(0, 10))
  }
})
