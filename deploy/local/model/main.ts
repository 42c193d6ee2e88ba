import { parseArgs } from 'node:util'
import { startModel } from './server.ts'

const help = `Starts the local model alone, on loopback: OpenAI's chat completions, answered by rules.

  node deploy/local/model/main.ts [--port 0] [--latency-ms 800] [--dialect openai|azure]
                                  [--tokens-per-minute N] [--requests-per-minute N]

It prints OPENAI_BASE_URL=… and OPENAI_API_KEY=… and then ready, and runs until SIGINT or SIGTERM.
`

const { values } = parseArgs({
  options: {
    port: { type: 'string', default: '0' },
    'latency-ms': { type: 'string', default: '800' },
    dialect: { type: 'string', default: 'openai' },
    'tokens-per-minute': { type: 'string' },
    'requests-per-minute': { type: 'string' },
    help: { type: 'boolean' },
  },
})
if (values.help) {
  process.stdout.write(help)
  process.exit(0)
}
const number = (text: string | undefined) => (text === undefined ? {} : Number(text))
const tokens = number(values['tokens-per-minute'])
const requests = number(values['requests-per-minute'])
const model = await startModel({
  port: Number(values.port),
  latencyMs: Number(values['latency-ms']),
  dialect: values.dialect === 'azure' ? 'azure' : 'openai',
  ...(typeof tokens === 'number' ? { tokensPerMinute: tokens } : {}),
  ...(typeof requests === 'number' ? { requestsPerMinute: requests } : {}),
})
process.stdout.write(`OPENAI_BASE_URL=${model.openaiBaseUrl}\nOPENAI_API_KEY=local-demo-key\nready\n`)
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void model.close())
