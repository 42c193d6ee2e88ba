/**
 * How long an answer asks to wait, in milliseconds: `retry-after-ms`, else `retry-after` in seconds or as an HTTP date
 * (RFC 9110, 10.2.3). `undefined` when it says nothing that can be read.
 */
export function retryAfterMs(
  header: (name: string) => string | null | undefined,
  now = Date.now(),
): number | undefined {
  const milliseconds = positive(header('retry-after-ms'))
  if (milliseconds !== undefined) return milliseconds
  const text = header('retry-after')?.trim()
  if (!text) return undefined
  const seconds = positive(text)
  if (seconds !== undefined) return seconds * 1000
  const date = Date.parse(text)
  return Number.isNaN(date) ? undefined : Math.max(0, date - now)
}

function positive(text: string | null | undefined): number | undefined {
  return text != null && /^\d+(\.\d+)?$/.test(text.trim()) ? Number(text) : undefined
}

/** Reads the durations of `x-ratelimit-reset-*`: Go style (`1h2m3.5s`, `12ms`) or bare seconds; `undefined` for `-1` and the like. */
export function durationMs(text: string | null | undefined): number | undefined {
  const value = text?.trim()
  if (!value) return undefined
  const seconds = positive(value)
  if (seconds !== undefined) return seconds * 1000
  if (!/^(\d+(\.\d+)?(ms|s|m|h))+$/.test(value)) return undefined
  const unitMs = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 } as const
  let total = 0
  for (const [, number, unit] of value.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h)/g)) {
    total += Number(number) * unitMs[unit as keyof typeof unitMs]
  }
  return total
}
