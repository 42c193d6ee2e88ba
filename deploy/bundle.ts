import { cpSync, rmSync } from 'node:fs'
import { build } from 'esbuild'

/**
 * Bundles the worker into `dist/enricher.js`, with the shipped playbooks beside it: loading the SDKs unbundled takes seconds,
 * and scaling from zero would pay them every time.
 */
rmSync('dist', { recursive: true, force: true })
const result = await build({
  entryPoints: ['worker/main.ts'],
  outfile: 'dist/enricher.js',
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
cpSync('worker/playbooks', 'dist/playbooks', { recursive: true, filter: (file) => !file.endsWith('.ts') })
const bytes = Object.values(result.metafile.outputs).reduce((sum, output) => sum + output.bytes, 0)
process.stdout.write(`dist/enricher.js, ${(bytes / 2 ** 20).toFixed(1)} MB\n`)
