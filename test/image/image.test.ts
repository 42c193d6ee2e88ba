import assert from 'node:assert/strict'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { lstatSync, mkdtempSync, readdirSync, readFileSync, rmSync, statfsSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { type Stack, startStack } from '../../deploy/local/start-stack.ts'
import { WorkerOutput } from '../harness/worker-process.ts'
import { baseImages, makeBaseImages } from './base-images.ts'
import { Buildah, type ImageConfig } from './buildah.ts'
import { Container } from './container.ts'

const repository = fileURLToPath(new URL('../..', import.meta.url))
const image = 'localhost/incident-enricher'

describe('the image that the unchanged Dockerfile makes, from a base of Debian packages', { timeout: 900_000 }, () => {
  const folder = mkdtempSync(join(workFolder(), 'enricher-image-'))
  const buildah = new Buildah(folder)
  let config: ImageConfig
  let root: string
  let container: Container
  let stack: Stack

  before(async () => {
    const { npmCache } = makeBaseImages(buildah, folder)
    buildah.build({
      dockerfile: join(repository, 'docker/Dockerfile'),
      context: repository,
      name: image,
      arguments: { BUILD_IMAGE: baseImages.build, RUNTIME_IMAGE: baseImages.runtime, REVISION: 'tested' },
      volumes: [`${npmCache}:/root/.npm`],
    })
    config = buildah.config(image)
    root = buildah.mount(image)
    container = new Container(root, config)
    stack = await startStack({ model: { latencyMs: 50 } })
  })
  after(async () => {
    await stack?.close()
    buildah.clean()
    rmSync(folder, { recursive: true, force: true })
  })

  it('says how it runs: a numeric user, the worker itself as process 1, SIGTERM, a health command, its labels', () => {
    assert.match(config.User, /^[1-9]\d*:[1-9]\d*$/)
    assert.deepEqual([config.Entrypoint, config.Cmd], [['node', '/app/enricher.js'], ['run']])
    assert.equal(config.StopSignal, 'SIGTERM')
    assert.deepEqual(Object.keys(config.ExposedPorts), ['8080/tcp'])
    assert.deepEqual(config.Healthcheck.Test, ['CMD', 'node', '/app/healthcheck.js'])
    assert.equal(config.Labels['org.opencontainers.image.revision'], 'tested')
    assert.ok(config.Env.includes('NODE_ENV=production'))
  })

  it('adds the bundle, the health command and the playbooks to its base, and nothing else', (test) => {
    const files = filesOf(join(root, 'app'))
    assert.deepEqual(Object.keys(files).sort(), [
      'cl100k-base.js',
      'enricher.js',
      'healthcheck.js',
      'o200k-base.js',
      'package.json',
      'playbooks/recommended-steps-economy.yaml',
      'playbooks/recommended-steps.yaml',
      'playbooks/sample-incident.json',
      'telemetry.js',
    ])
    const bytes = (all: Record<string, { size: number }>) => Object.values(all).reduce((sum, one) => sum + one.size, 0)
    test.diagnostic(
      `${megabytes(bytes(files))} in /app, ${megabytes(bytes(filesOf(root)))} with the base, uncompressed`,
    )
    assert.ok(bytes(files) < 15 * 2 ** 20, 'more than 15 MB')
    const readme = readFileSync(join(repository, 'deploy/README.md'), 'utf8')
    const told = Number(/\*\*([\d.]+) MB\*\* on top of the base/.exec(readme)?.[1])
    assert.ok(Math.abs(told - bytes(files) / 2 ** 20) < 0.5, `deploy/README.md says ${told} MB`)
    for (const [name, { mode, uid }] of Object.entries(files)) {
      assert.equal(uid, 0, `${name} belongs to root`)
      assert.equal(mode & 0o022, 0, `${name} can be written by others`)
    }
  })

  it('has no shell, no package manager and no npm', () => {
    const names = new Set(Object.keys(filesOf(root)).map((file) => file.split('/').at(-1)))
    for (const tool of ['sh', 'bash', 'dash', 'busybox', 'apt', 'apt-get', 'dpkg', 'apk', 'npm', 'npx', 'corepack']) {
      assert.ok(!names.has(tool), tool)
    }
  })

  it('enriches an incident as its own user on a read-only file system, is found healthy, and ends with 0 on SIGTERM', async () => {
    const certificate = container.bring(stack.certificate.file, '/mnt/local-stack.pem')
    const environment = { ...stack.environment, NODE_EXTRA_CA_CERTS: certificate, HEALTH_PORT: '0' }
    const was = filesOf(root)
    const health = (port: unknown) =>
      ended(container.start({ program: config.Healthcheck.Test.slice(1), environment: { HEALTH_PORT: String(port) } }))
    assert.equal((await health(1)).code, 1, 'healthy where nothing runs')

    const launcher = container.start({ environment })
    const worker = new WorkerOutput(launcher)
    const { healthPort } = await worker.line((line) => line.event === 'worker.started')
    const { pid, uid, insidePid, noNewPrivileges } = Container.processOne(launcher)
    assert.deepEqual([uid, insidePid, noNewPrivileges], [config.User.split(':')[0], '1', '1'])

    const incident = stack.sentinel.store.incidents().find((one) => one.properties.status === 'New')
    assert.ok(incident)
    // The same image, with another command in place of "run".
    const enqueued = await ended(container.start({ command: ['enqueue', incident.id], environment }))
    assert.equal(enqueued.code, 0, enqueued.output)
    await worker.line((line) => line.event === 'incident.enriched')
    assert.equal(stack.sentinel.store.tasks(incident.id).length, 3)
    const healthy = await health(healthPort)
    assert.equal(healthy.code, 0, healthy.output)

    process.kill(pid, 'SIGTERM')
    assert.equal(await worker.exited, 0, worker.stderr)
    assert.ok(worker.lines.some((line) => line.event === 'worker.stopped' && line.exitCode === 0))
    assert.deepEqual(filesOf(root), was, 'a file of the image changed')
  })

  it('refuses a wrong command with exit code 2', async () => {
    const wrong = await ended(container.start({ command: ['nonsense'] }))
    assert.equal(wrong.code, 2, wrong.output)
  })
})

function filesOf(folder: string): Record<string, { size: number; mode: number; uid: number }> {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true })
  const files = entries.filter((entry) => !entry.isDirectory())
  return Object.fromEntries(
    files.map((entry) => {
      const path = join(entry.parentPath, entry.name)
      const { size, mode, uid } = lstatSync(path)
      return [relative(folder, path), { size, mode, uid }]
    }),
  )
}

/** Layers are copied whole and often: in memory, where there are 4 GB of it to spare, instead of on a disk that syncs each copy. */
function workFolder(): string {
  const memory = '/dev/shm'
  const mounted = readFileSync('/proc/mounts', 'utf8')
    .split('\n')
    .find((line) => line.split(' ')[1] === memory)
  if (!mounted || /\bnoexec\b/.test(mounted)) return tmpdir()
  const { bavail, bsize } = statfsSync(memory)
  return bavail * bsize > 4 * 2 ** 30 ? memory : tmpdir()
}

const megabytes = (bytes: number) => `${(bytes / 2 ** 20).toFixed(1)} MB`

async function ended(child: ChildProcess): Promise<{ code: number | null; output: string }> {
  const output = new WorkerOutput(child)
  const [code] = (await once(child, 'close')) as [number | null]
  return { code, output: `${output.stderr}${output.lines.map((line) => JSON.stringify(line)).join('\n')}` }
}
