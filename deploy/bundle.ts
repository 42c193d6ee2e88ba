import { cpSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build, type Plugin } from 'esbuild'

/** Telemetry is a bundle of its own, which the worker's imports only where telemetry goes somewhere: parsing it costs start-up. */
const telemetryApart: Plugin = {
  name: 'telemetry-apart',
  setup(build) {
    build.onResolve({ filter: /\/open-telemetry\.ts$/ }, ({ kind }) =>
      kind === 'dynamic-import' ? { path: './telemetry.js', external: true } : undefined,
    )
  },
}

/**
 * Bundles the worker into `<folder>/enricher.js`, with the shipped playbooks beside it: loading the SDKs unbundled takes
 * seconds, and scaling from zero would pay them every time. The folder is all that the image holds: its health command is in it.
 *
 * @returns the file, and its size in bytes
 */
export async function bundleWorker(folder: string): Promise<{ file: string; bytes: number }> {
  rmSync(folder, { recursive: true, force: true })
  const root = fileURLToPath(new URL('..', import.meta.url))
  const file = join(folder, 'enricher.js')
  await build({
    absWorkingDir: root,
    entryPoints: {
      enricher: 'worker/main.ts',
      healthcheck: 'docker/healthcheck.ts',
      telemetry: 'worker/telemetry/open-telemetry.ts',
      'o200k-base': 'worker/budget/encodings/o200k-base.ts',
      'cl100k-base': 'worker/budget/encodings/cl100k-base.ts',
    },
    outdir: folder,
    plugins: [telemetryApart],
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node24',
    legalComments: 'none',
    // For a terminal only, and a development dependency.
    external: ['pino-pretty'],
    // The Azure SDKs are CommonJS inside and call require at run time.
    banner: {
      js: "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url); const __filename = import.meta.filename; const __dirname = import.meta.dirname;",
    },
    logLevel: 'warning',
  })
  cpSync(join(root, 'worker/playbooks'), join(folder, 'playbooks'), {
    recursive: true,
    filter: (source) => !source.endsWith('.ts'),
  })
  // Says what the files are before Node has to find out by parsing them twice.
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }\n')
  return { file, bytes: statSync(file).size }
}

if (import.meta.main) {
  const { bytes } = await bundleWorker(fileURLToPath(new URL('../dist', import.meta.url)))
  process.stdout.write(`dist/enricher.js, ${(bytes / 2 ** 20).toFixed(1)} MB\n`)
}
