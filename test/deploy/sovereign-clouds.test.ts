import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import { azureFolder, deployedWith } from './deployed-with.ts'

/** Domains that other clouds have others for. */
const publicDomains =
  /\b[\w$.-]*(?:azurecr\.io|management\.azure\.com|core\.windows\.net|servicebus\.windows\.net|vault\.azure\.net|openai\.azure\.com|login\.microsoftonline\.com|portal\.azure\.com)\b/g
/** A workflow's schema is a name, the same in every cloud, and never fetched. */
const schemaName = 'schema.management.azure.com'

const publicHostsIn = (text: string) => [...text.matchAll(publicDomains)].map(([host]) => host)

describe('nothing that is deployed or typed is for the public cloud alone', () => {
  for (const file of globSync(['**/*.bicep', '*.bicepparam', 'logic-app/*.json', 'azure.yaml'], { cwd: azureFolder })) {
    it(`${file} names no host of the public cloud`, () => {
      const code = readFileSync(`${azureFolder}${file}`, 'utf8').replace(/^\s*\/\/.*$/gm, '')
      assert.deepEqual(
        publicHostsIn(code).filter((host) => host !== schemaName),
        [],
      )
    })
  }

  const readme = readFileSync(`${azureFolder}README.md`, 'utf8')
  const commands = [...readme.matchAll(/^ *```\n(.*?)^ *```/gms)].map(([, block]) => block).join('\n')

  it('nor does a command of the README', () => {
    assert.match(commands, /az deployment group create/)
    assert.deepEqual(publicHostsIn(commands), [])
  })

  it('and each output that its commands read is one of main.bicep', () => {
    const read = [...commands.matchAll(/properties\.outputs\.(\w+)\.value/g)].map(([, name]) => name ?? '')
    assert.ok(read.length > 0)
    const { outputs } = deployedWith({})
    for (const name of read) assert.ok(name in outputs, name)
  })
})
