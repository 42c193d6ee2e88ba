import { copyFileSync, cpSync, mkdirSync, rmSync, symlinkSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { Buildah } from './buildah.ts'
import { runTool } from './run-tool.ts'

export const baseImages = { build: 'localhost/build-base', runtime: 'localhost/runtime-base' } as const

const authorities = '/etc/ssl/certs/ca-certificates.crt'

/**
 * Makes stand-ins for the two public base images, which cannot be fetched everywhere. For building: Debian with Node and npm.
 * For running: Node, the libraries it is linked to and the certificate authorities, which is what the distroless image holds;
 * no shell, no package manager, no npm. Debian comes from its packages, Node from the `node` development dependency.
 *
 * @returns the folder that npm caches in, to be mounted while building
 */
export function makeBaseImages(buildah: Buildah, folder: string): { npmCache: string } {
  const npmProgram = process.env.npm_execpath
  if (!npmProgram) throw new Error('The image test runs as npm run test:image: it takes npm from there.')
  const debian = join(folder, 'debian')
  // Unpacking is enough: nothing of it is a service, so nothing has to be configured.
  runTool('debootstrap', ['--variant=minbase', '--foreign', 'bookworm', debian], { timeoutMs: 400_000 })
  // It leaves /proc as a link to the machine's own, which is a link to itself inside.
  rmSync(join(debian, 'proc'), { recursive: true })
  mkdirSync(join(debian, 'proc'))
  for (const waste of ['debootstrap', 'usr/share/doc', 'usr/share/man', 'usr/share/locale', 'var/cache/apt']) {
    rmSync(join(debian, waste), { recursive: true, force: true })
  }
  buildah.imageOf(makeRuntime(debian, join(folder, 'runtime')), baseImages.runtime, {})

  const npm = (...args: string[]) => runTool(process.execPath, [npmProgram, ...args])
  put(process.execPath, debian, '/usr/local/bin/node')
  cpSync(dirname(dirname(npmProgram)), join(debian, 'usr/local/lib/node_modules/npm'), { recursive: true })
  symlinkSync('../lib/node_modules/npm/bin/npm-cli.js', join(debian, 'usr/local/bin/npm'))
  put(authorities, debian, authorities)
  const environment = {
    PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
    // The registry that this machine uses, and whom it trusts: a machine behind a proxy trusts more than Node brings along.
    NPM_CONFIG_REGISTRY: npm('config', 'get', 'registry'),
    NODE_EXTRA_CA_CERTS: authorities,
  }
  buildah.imageOf(debian, baseImages.build, environment)
  return { npmCache: npm('config', 'get', 'cache') }
}

function makeRuntime(debian: string, runtime: string): string {
  put(process.execPath, runtime, '/nodejs/bin/node')
  const libraries = runTool('ldd', [process.execPath]).match(/\/\S+\.so\S*/g) ?? []
  for (const library of libraries) put(join(debian, library), runtime, library)
  put(authorities, runtime, authorities)
  mkdirSync(join(runtime, 'tmp'), { mode: 0o1777 })
  return runtime
}

function put(file: string, root: string, path: string): void {
  mkdirSync(dirname(join(root, path)), { recursive: true })
  copyFileSync(file, join(root, path))
}
