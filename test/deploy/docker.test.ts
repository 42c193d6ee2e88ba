import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import { type Copy, DockerfileParser } from 'dockerfile-ast'
import { parse } from 'yaml'
import { readConfiguration } from '../../worker/configuration.ts'
import { deployedWith } from './deployed-with.ts'
import { emulatorQueue, queueForEmulator } from './docker/emulator-queue.ts'
import { lintDockerfile } from './docker/lint-dockerfile.ts'

const repository = new URL('../../', import.meta.url)
const read = (path: string) => readFileSync(new URL(path, repository), 'utf8')

describe('docker/Dockerfile', () => {
  const dockerfile = read('docker/Dockerfile')

  it('keeps every rule of the project', () => {
    assert.deepEqual(lintDockerfile(dockerfile), [])
  })

  it('copies only what exists and .dockerignore lets through', () => {
    const allowed = read('.dockerignore')
      .split('\n')
      .filter((line) => line.startsWith('!'))
    const copies = DockerfileParser.parse(dockerfile)
      .getInstructions()
      .filter((one) => one.getKeyword() === 'COPY') as Copy[]
    const sources = copies
      .filter((one) => !one.getFromFlag())
      .flatMap((one) => (one.getArgumentsContent() ?? '').split(/\s+/).slice(0, -1))
    assert.ok(sources.length >= 6)
    for (const source of sources) {
      assert.ok(existsSync(new URL(source, repository)), `${source} does not exist`)
      assert.ok(allowed.includes(`!${source.split('/')[0]}`), `${source} is kept out by .dockerignore`)
    }
  })

  const broken: [from: string, to: string, finding: RegExp][] = [
    ['USER 65532:65532\nEXPOSE', 'EXPOSE', /runs as root/],
    ['USER 65532:65532\nEXPOSE', 'USER nonroot\nEXPOSE', /its user is a name/],
    ['ENTRYPOINT ["node", "/app/enricher.js"]', 'ENTRYPOINT node /app/enricher.js', /ENTRYPOINT needs a shell/],
    ['ENTRYPOINT ["node", "/app/enricher.js"]', 'ENTRYPOINT ["npm", "start"]', /not process 1/],
    ['node:24.21.0-trixie-slim', 'node:latest', /names no version/],
    ['ARG RUNTIME_IMAGE=', 'ARG OTHER_IMAGE=', /not a build argument with a default/],
    ['"ci", "--ignore-scripts"', '"ci"', /--ignore-scripts/],
    ['"npm", "ci"', '"npm", "install"', /keeps to the lock file/],
    ['COPY --from=build /src/dist/ ./', 'COPY --from=build /src/ ./', /more than the built files/],
    ['ARG VERSION=0.1.0', 'ARG OPENAI_API_KEY=sk-1', /a secret stays/],
    ['STOPSIGNAL SIGTERM', 'STOPSIGNAL SIGKILL', /does not stop by SIGTERM/],
    ['HEALTHCHECK', '# HEALTHCHECK', /no health command/],
  ]
  for (const [from, to, finding] of broken) {
    it(`a broken copy is found: ${to.split('\n')[0]}`, () => {
      assert.ok(dockerfile.includes(from), from)
      assert.match(lintDockerfile(dockerfile.replace(from, to)).join('\n'), finding)
    })
  }
})

interface Service {
  environment?: Record<string, string>
  command?: string[] | string
  depends_on?: string[] | Record<string, unknown>
  network_mode?: string
  volumes?: string[]
  build?: { dockerfile: string; context: string; target: string }
  read_only?: boolean
  image?: string
  stop_grace_period?: string
}

describe('docker/compose.yaml', () => {
  const compose = parse(read('docker/compose.yaml'), { merge: true }) as {
    services: Record<string, Service>
    volumes: Record<string, unknown>
  }
  const { services } = compose

  it('names only services, volumes, files and build stages that exist', () => {
    const stages = DockerfileParser.parse(read('docker/Dockerfile'))
      .getFROMs()
      .map((one) => one.getBuildStage())
    for (const [name, service] of Object.entries(services)) {
      const dependencies = Array.isArray(service.depends_on)
        ? service.depends_on
        : Object.keys(service.depends_on ?? {})
      for (const dependency of [...dependencies, ...(service.network_mode ? [service.network_mode.slice(8)] : [])]) {
        assert.ok(dependency in services, `${name} depends on ${dependency}`)
      }
      for (const volume of service.volumes ?? []) {
        const [source = ''] = volume.split(':')
        if (source.startsWith('.')) assert.ok(existsSync(new URL(source, new URL('docker/', repository))), source)
        else assert.ok(source in compose.volumes, source)
      }
      if (service.build) assert.ok(stages.includes(service.build.target), `${name}: ${service.build.target}`)
      else assert.match(service.image ?? '', /:.*\d/, `${name} names no version`)
    }
  })

  it("the worker's environment is a whole configuration, and only the worker's variables", () => {
    const environment = services.worker?.environment ?? {}
    const asked = new Set<string>()
    const watched = new Proxy(environment, {
      get: (target, name: string) => {
        asked.add(name)
        return target[name]
      },
    })
    assert.equal(readConfiguration(watched).queue.queue, 'incidents')
    const ofTheSdk = ['IDENTITY_ENDPOINT', 'IDENTITY_HEADER', 'AZURE_TOKEN_CREDENTIALS', 'NODE_EXTRA_CA_CERTS']
    const unknown = Object.keys(environment).filter((name) => !asked.has(name) && !ofTheSdk.includes(name))
    assert.deepEqual(unknown, [])
    assert.equal(services.worker?.read_only, true)
  })

  it("the emulator's queue is the queue of the Bicep files, as far as the emulator can go", () => {
    const { queue } = deployedWith({})
    const config = JSON.parse(read('docker/service-bus-emulator.json'))
    assert.deepEqual(emulatorQueue(config, 'incidents'), queueForEmulator(queue.properties))
    assert.equal(queue.name, services.worker?.environment?.SERVICEBUS_QUEUE)
    config.UserConfig.Namespaces[0].Queues[0].Properties.RequiresDuplicateDetection = false
    assert.notDeepEqual(emulatorQueue(config, 'incidents'), queueForEmulator(queue.properties), 'a difference is found')
  })
})
