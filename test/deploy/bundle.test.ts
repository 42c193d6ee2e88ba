import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { chmodSync, copyFileSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { bundleWorker } from '../../deploy/bundle.ts'

const inside = fileURLToPath(new URL('./bundle/run-isolated.ts', import.meta.url))
const isRoot = process.getuid?.() === 0

/** A network of its own with loopback alone, and the bundle's folder mounted read-only. */
const enter = 'ip link set lo up && mount --bind "$1" "$1" && mount -o remount,bind,ro "$1" && shift && exec "$@"'
const namespaces = ['--net', '--mount', ...(isRoot ? [] : ['--map-root-user'])]

const trial = spawnSync('unshare', [...namespaces, 'sh', '-c', 'ip link set lo up && mount --bind /tmp /tmp'])
const cannot = trial.status === 0 ? false : 'this machine lets nobody make namespaces (unshare), or has no ip'

describe('the bundle, under the conditions of the image', { timeout: 60_000, skip: cannot }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'enricher-bundle-'))
  const bundle = join(folder, 'app')
  const node = join(folder, 'node')

  before(async () => {
    await bundleWorker(bundle)
    // The other user may not be let into the folder that this Node lies in.
    copyFileSync(process.execPath, node)
    chmodSync(folder, 0o755)
  })
  after(() => rmSync(folder, { recursive: true, force: true }))

  it('is one program, its telemetry and its token encodings apart, a health command and the playbooks', () => {
    const files = readdirSync(bundle, { recursive: true, encoding: 'utf8' }).sort()
    assert.deepEqual(files, [
      'cl100k-base.js',
      'enricher.js',
      'healthcheck.js',
      'o200k-base.js',
      'package.json',
      'playbooks',
      'playbooks/recommended-steps-economy.yaml',
      'playbooks/recommended-steps.yaml',
      'playbooks/sample-incident.json',
      'telemetry.js',
    ])
  })

  it('enriches an incident as another user, from a read-only folder, with no network but loopback', () => {
    const user = isRoot ? '65532' : ''
    const run = spawnSync(
      'unshare',
      [...namespaces, 'sh', '-c', enter, 'sh', bundle, process.execPath, inside, bundle, node, user],
      {
        encoding: 'utf8',
        timeout: 50_000,
      },
    )
    assert.equal(run.status, 0, run.stderr)
    const { uid, ...result } = JSON.parse(run.stdout.trim().split('\n').at(-1) ?? '') as Record<string, unknown>
    assert.deepEqual(result, {
      tasks: 3,
      health: [0, 1],
      exitCode: 0,
      outside: 'ENETUNREACH',
      writable: false,
      stderr: '',
    })
    if (isRoot) assert.equal(uid, user)
  })
})
