import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import { type Copy, DockerfileParser } from 'dockerfile-ast'
import { deployedWith } from './deployed-with.ts'
import { checkCompose, parseCompose } from './docker/check-compose.ts'
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

describe('docker/compose.yaml', () => {
  const text = read('docker/compose.yaml')

  it('fits the Dockerfile, the files beside it and the configuration of the worker', () => {
    assert.deepEqual(checkCompose(text), [])
  })

  const broken: [from: string, to: string, finding: RegExp][] = [
    ['OPENAI_API_KEY: local', 'OPENAI_KEY: local', /OPENAI_API_KEY is missing[\s\S]*nobody reads OPENAI_KEY/],
    ['OPENAI_BASE_URL: http://127.0.0.1', 'OPENAI_BASE_URL: http://model', /OPENAI_BASE_URL must be https/],
    ['network_mode: service:servers', 'network_mode: service:server', /no service server$/m],
    ['target: development', 'target: develop', /no stage develop$/m],
    ['./service-bus-emulator.json:', './emulator.json:', /no \.\/emulator\.json/],
    ['emulator:2.0.0', 'emulator:latest', /names no version/],
    ['read_only: true', 'read_only: false', /more rights/],
  ]
  for (const [from, to, finding] of broken) {
    it(`a broken copy is found: ${to}`, () => {
      assert.ok(text.includes(from), from)
      assert.match(checkCompose(text.replace(from, to)).join('\n'), finding)
    })
  }

  it("the emulator's queue is the queue of the Bicep files, as far as the emulator can go", () => {
    const { queue } = deployedWith({})
    const config = JSON.parse(read('docker/service-bus-emulator.json'))
    const wanted = queueForEmulator(queue.properties)
    assert.deepEqual(emulatorQueue(config, 'incidents'), wanted)
    assert.equal(queue.name, parseCompose(text).services.worker?.environment?.SERVICEBUS_QUEUE)
    for (const [name, other] of [
      ['RequiresDuplicateDetection', false],
      ['MaxDeliveryCount', 9],
      ['LockDuration', 'PT30S'],
    ] as const) {
      const copy = structuredClone(config)
      copy.UserConfig.Namespaces[0].Queues[0].Properties[name] = other
      assert.notDeepEqual(emulatorQueue(copy, 'incidents'), wanted, `${name} differs`)
    }
  })
})
