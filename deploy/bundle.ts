import { cpSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

/**
 * Bundles the worker into `<folder>/enricher.js`, with the shipped playbooks beside it: loading the SDKs unbundled takes
 * seconds, and scaling from zero would pay them every time.
 *
 * @returns the file, and its size in bytes
 */
export async function bundleWorker(folder: string): Promise<{ file: string; bytes: number }> {
  rmSync(folder, { recursive: true, force: true })
  const root = fileURLToPath(new URL('..', import.meta.url))
  const file = join(folder, 'enricher.js')
  const result = await build({
    absWorkingDir: root,
    entryPoints: ['worker/main.ts'],
    outfile: file,
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
    metafile: true,
    logLevel: 'warning',
  })
  cpSync(join(root, 'worker/playbooks'), join(folder, 'playbooks'), {
    recursive: true,
    filter: (source) => !source.endsWith('.ts'),
  })
  return { file, bytes: Object.values(result.metafile.outputs).reduce((sum, output) => sum + output.bytes, 0) }
}

if (import.meta.main) {
  const { bytes } = await bundleWorker(fileURLToPath(new URL('../dist', import.meta.url)))
  process.stdout.write(`dist/enricher.js, ${(bytes / 2 ** 20).toFixed(1)} MB\n`)
}
