import { tooManyRequests } from './arm-error.ts'
import type { Caller } from './caller.ts'

/** Azure Resource Manager's buckets per subscription and identity ("Request limits and throttling" in its documentation). */
const buckets = {
  reads: { burst: 250, perSecond: 25 },
  writes: { burst: 200, perSecond: 10 },
  deletes: { burst: 200, perSecond: 10 },
} as const
type BucketName = keyof typeof buckets

/** A POST counts as a write even where it only reads (alerts, entities): ARM sorts by verb. */
function bucketOf(method: string): BucketName {
  if (method === 'GET' || method === 'HEAD') return 'reads'
  return method === 'DELETE' ? 'deletes' : 'writes'
}

export interface Throttle {
  /**
   * Takes a token and returns the headers that tell how many are left.
   * @throws ArmError 429 with `Retry-After` in whole seconds when the bucket is empty.
   */
  take(method: string, subscriptionId: string, caller: Caller): Record<string, string>
}

/** `enforced: false` still counts and answers the headers, but refuses nothing. */
export function createThrottle(enforced: boolean, nowMs: () => number = () => performance.now()): Throttle {
  const levels = new Map<string, { tokens: number; at: number }>()
  return {
    take(method, subscriptionId, caller) {
      const name = bucketOf(method)
      const { burst, perSecond } = buckets[name]
      const key = `${name}/${subscriptionId.toLowerCase()}/${caller.objectId}`
      const now = nowMs()
      const level = levels.get(key) ?? { tokens: burst, at: now }
      const refilled = Math.min(burst, level.tokens + ((now - level.at) / 1000) * perSecond)
      if (refilled < 1 && enforced) {
        levels.set(key, { tokens: refilled, at: now })
        const waitSeconds = Math.max(1, Math.ceil((1 - refilled) / perSecond))
        throw tooManyRequests(name.slice(0, -1), subscriptionId, caller.objectId, waitSeconds)
      }
      const left = Math.max(0, refilled - 1)
      levels.set(key, { tokens: left, at: now })
      return { [`x-ms-ratelimit-remaining-subscription-${name}`]: String(Math.floor(left)) }
    },
  }
}
