import { join } from 'node:path'
import { runTool } from './run-tool.ts'

/** What an image says of how it is run, as `docker inspect` shows it. */
export interface ImageConfig {
  User: string
  WorkingDir: string
  Entrypoint: string[]
  Cmd: string[]
  Env: string[]
  Labels: Record<string, string>
  StopSignal: string
  ExposedPorts: Record<string, unknown>
  Healthcheck: { Test: string[] }
}

/** Debian's buildah with a store of its own: images are built and read without a daemon, a registry or an engine. */
export class Buildah {
  readonly #store: string[]

  constructor(folder: string) {
    // vfs and chroot work where overlay and namespaces are refused, which is where this runs.
    this.#store = ['--storage-driver', 'vfs', '--root', join(folder, 'storage'), '--runroot', join(folder, 'run')]
  }

  #run(args: string[], timeoutMs?: number): string {
    return runTool('buildah', [...this.#store, ...args], timeoutMs === undefined ? {} : { timeoutMs })
  }

  /** An image whose file system is the folder's content. */
  imageOf(folder: string, name: string, environment: Record<string, string>): void {
    const container = this.#run(['from', 'scratch'])
    this.#run(['add', '-q', container, folder, '/'])
    const flags = Object.entries(environment).flatMap(([key, value]) => ['--env', `${key}=${value}`])
    if (flags.length > 0) this.#run(['config', ...flags, container])
    this.#run(['commit', '-q', '--rm', container, name])
  }

  /** Builds a Dockerfile as it stands, every `FROM` out of this store alone. */
  build(options: {
    dockerfile: string
    context: string
    name: string
    arguments: Record<string, string>
    target?: string
    volumes?: string[]
  }): string {
    return this.#run(
      [
        'build',
        '--pull-never',
        '--isolation=chroot',
        '--format=docker',
        ...Object.entries(options.arguments).flatMap(([key, value]) => ['--build-arg', `${key}=${value}`]),
        ...(options.volumes ?? []).flatMap((volume) => ['--volume', volume]),
        ...(options.target === undefined ? [] : ['--target', options.target]),
        '--file',
        options.dockerfile,
        '--tag',
        options.name,
        options.context,
      ],
      600_000,
    )
  }

  config(image: string): ImageConfig {
    const inspected = JSON.parse(this.#run(['inspect', '--type', 'image', image])) as {
      Docker: { config: ImageConfig }
    }
    return inspected.Docker.config
  }

  /** The root of a new container's file system. */
  mount(image: string): string {
    return this.#run(['mount', this.#run(['from', '--pull-never', image])])
  }

  /** Takes down what was mounted and every container, so that the folder can be deleted. */
  clean(): void {
    this.#run(['umount', '--all'])
    this.#run(['rm', '--all'])
  }
}
