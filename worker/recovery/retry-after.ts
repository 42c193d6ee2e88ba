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
