import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { durationMs, limitResetMs, messageWaitMs, retryAfterMs } from '../../worker/recovery/retry-after.ts'

const from = (headers: Record<string, string>) => (name: string) => headers[name]

describe('how long an answer asks to wait', () => {
  const durations: Record<string, number | undefined> = {
    '6m0s': 360_000,
    '12ms': 12,
    '7.66s': 7_660,
    '1h2m3.5s': 3_723_500,
    '55': 55_000,
    '-1': undefined,
    '': undefined,
    soon: undefined,
  }
  for (const [text, ms] of Object.entries(durations)) {
    it(`the duration ${JSON.stringify(text)} is ${ms} ms`, () => assert.equal(durationMs(text), ms))
  }

  const messages: Record<string, number | undefined> = {
    'Please retry after 17 seconds. To increase your limit, visit': 17_000,
    'Please retry after 1 second.': 1_000,
    'Please try again in 6m0s. Visit': 360_000,
    'Please try again in 7.66s. Visit': 7_660,
    'Please try again in 12ms. Visit': 12,
    'Retry after 250 milliseconds.': 250,
    'Rate limit reached. Please try again later.': undefined,
  }
  for (const [message, ms] of Object.entries(messages)) {
    it(`${JSON.stringify(message)} says ${ms} ms`, () => assert.equal(messageWaitMs(message), ms))
  }

  it('milliseconds go before seconds, seconds before a date, and a date in the past is no wait', () => {
    assert.equal(retryAfterMs(from({ 'retry-after-ms': '40', 'retry-after': '1' })), 40)
    assert.equal(retryAfterMs(from({ 'retry-after': '2' })), 2_000)
    const now = Date.parse('2026-11-24T12:00:00Z')
    assert.equal(retryAfterMs(from({ 'retry-after': 'Tue, 24 Nov 2026 12:00:30 GMT' }), now), 30_000)
    assert.equal(retryAfterMs(from({ 'retry-after': 'Tue, 24 Nov 2026 11:00:00 GMT' }), now), 0)
    assert.equal(retryAfterMs(from({ 'retry-after': 'later' })), undefined)
  })

  it('the reset of a limit counts where nothing of it remains; -1 and 0 are no answer', () => {
    const spent = { 'x-ratelimit-remaining-tokens': '0', 'x-ratelimit-reset-tokens': '6m0s' }
    assert.equal(limitResetMs(from({ ...spent, 'x-ratelimit-reset-requests': '1h0m0s' })), 360_000)
    assert.equal(limitResetMs(from({ ...spent, 'x-ratelimit-remaining-tokens': '12' })), undefined)
    assert.equal(limitResetMs(from({ ...spent, 'x-ratelimit-reset-tokens': '0' })), undefined)
    assert.equal(limitResetMs(from({ 'x-rate-limit-reset-tokens': '8' })), 8_000)
    assert.equal(limitResetMs(from({})), undefined)
  })
})
