import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { checkReferences } from './bicep/check-references.ts'
import { checkTypes } from './bicep/check-types.ts'
import { readBicep, readBicepFile } from './bicep/read-bicep.ts'
import { published, writtenByHand } from './bicep/resource-types.ts'

const folder = fileURLToPath(new URL('../../deploy/azure/', import.meta.url))
const files = [
  join(folder, 'main.bicep'),
  ...readdirSync(join(folder, 'modules')).map((name) => join(folder, 'modules', name)),
]
const fileOf = (name: string) => files.find((file) => basename(file) === name) ?? ''

describe('the Bicep files', () => {
  for (const path of files) {
    it(`${basename(path)} parses, its names are declared and used, and its resources have the published types`, () => {
      assert.deepEqual(checkReferences(path), [])
      assert.deepEqual(checkTypes(readBicepFile(path)), [])
    })
  }
  it('every module is used, and the parameter file assigns every parameter without a default', () => {
    const main = readBicepFile(fileOf('main.bicep'))
    const used = main.declarations.filter((one) => one.kind === 'module').map((one) => basename(one.type))
    assert.deepEqual([...used, 'main.bicep'].sort(), files.map((file) => basename(file)).sort())
    const assigned = readBicepFile(join(folder, 'main.bicepparam')).declarations.map((one) => one.name)
    const parameters = main.declarations.filter((one) => one.kind === 'param')
    for (const { name, value } of parameters) assert.ok(value || assigned.includes(name), name)
    for (const name of assigned)
      assert.ok(
        parameters.some((one) => one.name === name),
        `${name} is no parameter`,
      )
    for (const { name, decorators } of parameters) {
      assert.ok(decorators.has('description') || /^(retryMaxSeconds|logLevel)$/.test(name), `${name} is not described`)
    }
  })
})

describe('what the types are', () => {
  const used = new Set(
    files.flatMap((path) =>
      readBicepFile(path)
        .declarations.filter((one) => one.kind === 'resource')
        .map((one) => one.type),
    ),
  )
  const readme = readFileSync(new URL('../../deploy/README.md', import.meta.url), 'utf8')

  it('the README says how many were compared, and names each that was written by hand', () => {
    assert.deepEqual(
      [...published.keys(), ...writtenByHand.keys()].sort(),
      [...used].sort(),
      'no type is kept that is not used',
    )
    assert.match(readme, new RegExp(`of ${published.size} of the ${used.size} resource types`))
    const [, unverified = ''] = readme.split('**Not verified:**')
    for (const type of writtenByHand.keys()) assert.ok(unverified.includes(`\`${type}\``), type)
  })
})

/** Broken copies: each breaks one thing in a file as it is, and the checks must find it. */
const broken: [file: string, from: string, to: string, finding: RegExp][] = [
  ['worker.bicep', 'maxReplicas: maxReplicas', 'maxReplica: maxReplicas', /no property maxReplica\b/],
  ['worker.bicep', "type: 'azure-servicebus'", "kind: 'azure-servicebus'", /no property kind/],
  ['worker.bicep', "lifecycle: 'None'", "lifecycle: 'Never'", /lifecycle is "Never", not one of Init/],
  [
    'worker.bicep',
    "'Microsoft.App/containerApps@2025-01-01'",
    "'Microsoft.App/containerApps@2025-13-01'",
    /not among the published/,
  ],
  ['worker.bicep', 'pollingInterval: 15', "pollingInterval: '15'", /pollingInterval is a string, not a int/],
  ['worker.bicep', 'port: 8080', 'prt: 8080', /port is required/],
  ['jobs.bicep', '        replicaTimeout: 1800\n', '', /replicaTimeout is required/],
  [
    'service-bus.bicep',
    'requiresDuplicateDetection: true',
    'requireDuplicateDetection: true',
    /no property requireDuplicate/,
  ],
  ['service-bus.bicep', "name: 'Standard'\n", "name: 'Standart'\n", /name is "Standart"/],
  [
    'service-bus.bicep',
    'principalId: workerPrincipalId',
    'principalId: workerPrincipal',
    /workerPrincipal is not declared/,
  ],
  [
    'sentinel-workspace.bicep',
    "actionType: 'RunPlaybook'",
    "actionType: 'RunBook'",
    /actionType of actions is none of/,
  ],
  ['sentinel-workspace.bicep', "triggersWhen: 'Created'", "triggersWhen: 'Create'", /triggersWhen is "Create"/],
  ['alerts.bicep', "timeAggregation: 'Minimum'", "timeAggregation: 'Min'", /timeAggregation is "Min"/],
  [
    'logic-app.bicep',
    '    #disable-next-line BCP037\n    parameterValueType',
    '    parameterValueType',
    /no property parameterValueType/,
  ],
  [
    'model-key.bicep',
    'output secretUri string = secret.properties.secretUri',
    'output secretUri string = apiKey',
    /gives a secret away/,
  ],
  [
    'main.bicep',
    'suffix: suffix\n    retentionDays: logRetentionDays',
    'suffix: suffix',
    /monitoring\.bicep needs retentionDays/,
  ],
  [
    'main.bicep',
    'queueAge: queueAgeAlert',
    'queueAge: queueAgeAlert\n    more: 1',
    /alerts\.bicep has no parameter more/,
  ],
  ['main.bicep', 'state.outputs.tablesUrl', 'state.outputs.tableUrl', /state\.bicep has no output tableUrl/],
  ['main.bicep', "'modules/state.bicep'", "'modules/stat.bicep'", /there is no modules\/stat\.bicep/],
  ['main.bicep', 'param maxAttempts int = 8', 'param maxAttempts int = 8\nparam idle int = 1', /idle is not used/],
  ['main.bicep', 'join(workspaceIds', 'joined(workspaceIds', /the function joined is not known/],
  ['identities.bicep', 'output workerId string = worker.id', 'output workerId string = = worker.id', /syntax/],
]

describe('a broken copy of a Bicep file is found', () => {
  for (const [name, from, to, finding] of broken) {
    it(`${name}: ${to.trim().split('\n').at(-1) || `without ${from.trim()}`}`, () => {
      const path = fileOf(name)
      const text = readFileSync(path, 'utf8')
      assert.ok(text.includes(from), `${name} no longer says ${from}`)
      const copy = text.replace(from, to)
      const read = (file: string) => (file === path ? copy : readFileSync(file, 'utf8'))
      const findings = [...checkReferences(path, read), ...checkTypes(readBicep(copy, path))]
      assert.match(findings.join('\n'), finding)
    })
  }
})
