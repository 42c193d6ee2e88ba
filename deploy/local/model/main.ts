import { parseArgs } from 'node:util'
import { startModel } from './server.ts'

const help = `Starts the local model alone, on loopback: OpenAI's chat completions, answered by rules.

  node deploy/local/model/main.ts
  node deploy/local/model/main.ts --port 4010 --dialect azure --tokens-per-minute 30000

  --port                  default 0, which takes a free one
  --latency-ms            how long a completion takes (default 0)
  --dialect               openai or azure: whose headers, errors and limiter (default openai)
  --tokens-per-minute     default: not limited
  --requests-per-minute   default: not limited
  --help                  this text

It prints OPENAI_BASE_URL=… and OPENAI_API_KEY=… (with --dialect azure also AZURE_OPENAI_ENDPOINT=…), then ready, and runs
until SIGINT or SIGTERM. It accepts any key.
`

class UsageError extends Error {}

function readOptions() {
  const { values } = parseArgs({
    options: {
      port: { type: 'string' },
      'latency-ms': { type: 'string' },
      dialect: { type: 'string', default: 'openai' },
      'tokens-per-minute': { type: 'string' },
      'requests-per-minute': { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  })
  const whole = (name: 'port' | 'latency-ms' | 'tokens-per-minute' | 'requests-per-minute', least: number) => {
    const text = values[name]
    if (text === undefined) return undefined
    if (/^\d{1,9}$/.test(text) && Number(text) >= least) return Number(text)
    throw new UsageError(`--${name} takes a whole number from ${least}, not "${text}"`)
  }
  const { dialect } = values
  if (dialect !== 'openai' && dialect !== 'azure')
    throw new UsageError(`--dialect is openai or azure, not "${dialect}"`)
  const options = {
    port: whole('port', 0),
    latencyMs: whole('latency-ms', 0),
    dialect,
    tokensPerMinute: whole('tokens-per-minute', 1),
    requestsPerMinute: whole('requests-per-minute', 1),
  } as const
  return { help: values.help, options }
}

try {
  const asked = readOptions()
  if (asked.help) process.stdout.write(help)
  else {
    const model = await startModel(asked.options)
    const azure = asked.options.dialect === 'azure' ? `AZURE_OPENAI_ENDPOINT=${model.azureEndpoint}\n` : ''
    process.stdout.write(`OPENAI_BASE_URL=${model.openaiBaseUrl}\n${azure}OPENAI_API_KEY=local-demo-key\nready\n`)
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void model.close())
  }
} catch (error) {
  const message = error instanceof Error ? error.message : String(error)
  const usage = error instanceof UsageError || (error as { code?: string }).code?.startsWith('ERR_PARSE_ARGS')
  process.stderr.write(`model: ${message}${usage ? '; see --help' : ''}\n`)
  process.exitCode = usage ? 2 : 1
}
