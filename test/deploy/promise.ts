import assert from 'node:assert/strict'
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { it } from 'node:test'
import { azureFolder, deployedWith } from './deployed-with.ts'

export type Deploy = (
  environment: Record<string, string>,
  overrides?: Record<string, unknown>,
) => ReturnType<typeof deployedWith>

/**
 * A test of what the Bicep files deploy, and one for each broken copy of them: what the copy deploys must fail the same check,
 * or the check would prove nothing. A copy replaces every `from` in `file` by `to`.
 */
export function promise(
  name: string,
  check: (deploy: Deploy) => void,
  broken: [file: string, from: string, to: string][],
): void {
  it(name, () => check((environment, overrides) => deployedWith(environment, overrides)))
  for (const [file, from, to] of broken) {
    it(`  a broken copy is found: ${to.trim() || `without ${from.trim()}`}`, () => {
      const folder = mkdtempSync(join(tmpdir(), 'enricher-broken-'))
      try {
        cpSync(azureFolder, folder, { recursive: true })
        const text = readFileSync(join(folder, file), 'utf8')
        assert.ok(text.includes(from), `${file} no longer says ${from}`)
        writeFileSync(join(folder, file), text.replaceAll(from, to))
        assert.throws(() => check((environment, overrides) => deployedWith(environment, overrides, `${folder}/`)))
      } finally {
        rmSync(folder, { recursive: true })
      }
    })
  }
}
