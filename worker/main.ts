#!/usr/bin/env node
import { createProgram } from './commands/program.ts'

// Everything else loads when a command needs it: `--help` answers at once, and `run` starts from zero replicas.
await createProgram().parseAsync(process.argv)
