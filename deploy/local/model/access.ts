import type { IncomingMessage } from 'node:http'
import type { ModelOptions } from './model-options.ts'

/** Which keys and tokens are let in. */
export interface Access {
  allows(key: string | undefined): boolean
  setKeys(keys: string[]): void
}

export function createAccess(options: Pick<ModelOptions, 'apiKeys' | 'acceptToken'>): Access {
  const { acceptToken } = options
  let keys = options.apiKeys
  return {
    allows: (key) => {
      if (!key) return false
      if (!keys && !acceptToken) return true
      return (keys?.includes(key) ?? false) || (acceptToken?.(key) ?? false)
    },
    setKeys: (next) => {
      keys = [...next]
    },
  }
}

/** The key or token of a request: the bearer's, or Azure's `api-key` header. */
export function keyOf(request: IncomingMessage): string | undefined {
  const bearer = /^Bearer\s+(\S+)$/i.exec(request.headers.authorization ?? '')?.[1]
  const header = request.headers['api-key']
  return bearer ?? (typeof header === 'string' && header !== '' ? header : undefined)
}
