import { existsSync, readFileSync } from 'node:fs'
import { DockerfileParser } from 'dockerfile-ast'
import { parse } from 'yaml'
import { readConfiguration } from '../../../worker/configuration.ts'
import { ConfigurationError } from '../../../worker/read-variables.ts'

interface Service {
  environment?: Record<string, string>
  depends_on?: string[] | Record<string, unknown>
  network_mode?: string
  volumes?: string[]
  build?: { context: string; dockerfile: string; target: string }
  image?: string
  read_only?: boolean
  cap_drop?: string[]
}

export interface Compose {
  services: Record<string, Service>
  volumes: Record<string, unknown>
}

const docker = new URL('../../../docker/', import.meta.url)
const stages = DockerfileParser.parse(readFileSync(new URL('Dockerfile', docker), 'utf8'))
  .getFROMs()
  .map((one) => one.getBuildStage())

/** Read by the SDKs and by Node itself, not by the worker's configuration. */
const ofTheSdk = ['IDENTITY_ENDPOINT', 'IDENTITY_HEADER', 'AZURE_TOKEN_CREDENTIALS', 'NODE_EXTRA_CA_CERTS']

export function parseCompose(text: string): Compose {
  return parse(text, { merge: true }) as Compose
}

/**
 * What is wrong with a compose file: services, volumes, files and build stages that do not exist, images without a version, and a
 * worker whose environment is no whole configuration, has variables that nobody reads, or may write to its image.
 */
export function checkCompose(text: string): string[] {
  const { services, volumes } = parseCompose(text)
  const findings = Object.entries(services).flatMap(([name, service]) =>
    checkService(service, services, volumes).map((finding) => `${name}: ${finding}`),
  )
  const { worker } = services
  if (!worker) return [...findings, 'there is no worker']
  if (worker.read_only !== true || worker.cap_drop?.join() !== 'ALL')
    findings.push('the worker has more rights than it needs')
  return [...findings, ...checkEnvironment(worker.environment ?? {})]
}

function checkService(service: Service, services: Compose['services'], volumes: Compose['volumes']): string[] {
  const { depends_on = [], network_mode, build, image } = service
  const needed = [
    ...(Array.isArray(depends_on) ? depends_on : Object.keys(depends_on)),
    ...(network_mode?.startsWith('service:') ? [network_mode.slice('service:'.length)] : []),
  ]
  const findings = needed.filter((name) => !(name in services)).map((name) => `there is no service ${name}`)
  for (const volume of service.volumes ?? []) {
    const [source = ''] = volume.split(':')
    const exists = source.startsWith('.') ? existsSync(new URL(source, docker)) : source in volumes
    if (!exists) findings.push(`there is no ${source}`)
  }
  if (build && !stages.includes(build.target)) findings.push(`the Dockerfile has no stage ${build.target}`)
  if (build && !existsSync(new URL(`${build.context}/${build.dockerfile}`, docker)))
    findings.push('there is no Dockerfile')
  if (!build && !/:.*\d/.test(image ?? '')) findings.push(`${image} names no version`)
  return findings
}

function checkEnvironment(environment: Record<string, string>): string[] {
  const asked = new Set<string>()
  const watched = new Proxy(environment, {
    get: (target, name: string) => {
      asked.add(name)
      return target[name]
    },
  })
  const findings: string[] = []
  try {
    readConfiguration(watched)
  } catch (error) {
    if (!(error instanceof ConfigurationError)) throw error
    findings.push(...error.problems)
  }
  const unread = Object.keys(environment).filter((name) => !asked.has(name) && !ofTheSdk.includes(name))
  return [...findings, ...unread.map((name) => `nobody reads ${name}`)]
}
