import { paint } from './paint.ts'

const redrawMs = 100
const lineMs = 5_000

export interface Progress {
  update(done: number): void
  /** Takes the bar away, so that other lines can be written. */
  end(): void
}

/**
 * How far long work is, on stderr: a bar with rate and time left on a terminal, a plain line every few seconds elsewhere.
 * stdout stays the result's.
 *
 * @param before how many were done already when this run began: they count as done, not as its pace
 */
export function startProgress(
  label: string,
  total: number,
  before = 0,
  stream: NodeJS.WriteStream = process.stderr,
): Progress {
  const startedAt = performance.now()
  let drawnAt = stream.isTTY ? Number.NEGATIVE_INFINITY : startedAt
  let last = before
  const draw = (done: number, now: number) => {
    const seconds = (now - startedAt) / 1000
    const rate = (done - before) / Math.max(seconds, 0.001)
    const left = rate > 0 ? (total - done) / rate : Number.POSITIVE_INFINITY
    drawnAt = now
    if (!stream.isTTY) {
      stream.write(`${label}: ${done} of ${total}, ${perSecond(rate)}, ${timeLeft(left)} left\n`)
      return
    }
    const figures = ` ${done}/${total}  ${perSecond(rate)}  ${timeLeft(left)} left`
    const room = Math.max(5, Math.min(40, (stream.columns || 80) - label.length - figures.length - 2))
    const filled = Math.round((room * done) / Math.max(1, total))
    const bar = `${paint('green', '━'.repeat(filled), stream)}${paint('dim', '━'.repeat(room - filled), stream)}`
    stream.write(`\r\u001B[K${label} ${bar}${figures}`)
  }
  return {
    update: (done) => {
      last = done
      const now = performance.now()
      if (now - drawnAt >= (stream.isTTY ? redrawMs : lineMs)) draw(done, now)
    },
    end: () => {
      if (!stream.isTTY) return
      draw(last, performance.now())
      stream.write('\n')
    },
  }
}

function perSecond(rate: number): string {
  return `${rate >= 10 ? Math.round(rate) : rate.toFixed(1)}/s`
}

function timeLeft(seconds: number): string {
  if (!Number.isFinite(seconds)) return '?'
  const whole = Math.ceil(seconds)
  if (whole < 60) return `${whole} s`
  const minutes = Math.floor(whole / 60)
  return minutes < 60 ? `${minutes} min ${whole % 60} s` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`
}
