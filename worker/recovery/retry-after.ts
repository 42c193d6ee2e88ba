type Header = (name: string) => string | null | undefined

/**
 * How long an answer asks to wait, in milliseconds: `retry-after-ms`, else `retry-after` in seconds or as an HTTP date
 * (RFC 9110, 10.2.3). `undefined` when it says nothing that can be read.
 */
export function retryAfterMs(header: Header, now = Date.now()): number | undefined {
  const milliseconds = positive(header('retry-after-ms'))
  if (milliseconds !== undefined) return milliseconds
  const text = header('retry-after')?.trim()
  if (!text) return undefined
  const seconds = positive(text)
  if (seconds !== undefined) return seconds * 1000
  const date = Date.parse(text)
  return Number.isNaN(date) ? undefined : Math.max(0, date - now)
}

/**
 * When the limits that are used up stand at their full height again, in milliseconds, by `x-ratelimit-reset-*` (Azure once
 * wrote `x-rate-limit-reset-tokens`). It is longer than one has to wait, so it is for refusals that say nothing else.
 */
export function limitResetMs(header: Header): number | undefined {
  const spent = ['requests', 'tokens'].filter((limit) => header(`x-ratelimit-remaining-${limit}`)?.trim() === '0')
  const resets = [...spent.map((limit) => `x-ratelimit-reset-${limit}`), 'x-rate-limit-reset-tokens']
  const longest = Math.max(...resets.map((name) => durationMs(header(name) ?? '') ?? 0))
  return longest > 0 ? longest : undefined
}

/** The wait that a refusal's message names: "Please retry after 17 seconds", "Please try again in 6m0s". */
export function messageWaitMs(message: string): number | undefined {
  const told = /\b(?:retry|try again) (?:after|in) (\d[\d.hms]{0,30})( ?(?:milli)?seconds?)?/i.exec(message)
  const [, duration = '', unit = ''] = told ?? []
  return unit.includes('milli') ? positive(duration) : durationMs(duration.replace(/\.$/, ''))
}

/** `6m0s`, `12ms`, `7.66s`, `1h2m3.5s` as Go writes durations (OpenAI), and bare seconds (Azure), in milliseconds. */
export function durationMs(text: string): number | undefined {
  const seconds = positive(text)
  if (seconds !== undefined) return seconds * 1000
  const parts = /^(?:(\d+)h)?(?:(\d+)m)?(?:(\d+(?:\.\d+)?)s)?$/.exec(text.trim())
  const milliseconds = /^(\d+(?:\.\d+)?)ms$/.exec(text.trim())
  if (milliseconds) return Number(milliseconds[1])
  if (!parts || text.trim() === '') return undefined
  const [, hours = 0, minutes = 0, rest = 0] = parts
  return (Number(hours) * 3600 + Number(minutes) * 60 + Number(rest)) * 1000
}

function positive(text: string | null | undefined): number | undefined {
  return text != null && /^\d+(\.\d+)?$/.test(text.trim()) ? Number(text) : undefined
}
