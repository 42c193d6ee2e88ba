import { secretCommands } from './secret-commands.ts'
import type { SecretKind } from './secret-kind.ts'
import { secretNames } from './secret-names.ts'
import { secretShapes } from './secret-shapes.ts'

/**
 * The secrets that reach alerts: in command lines, URLs, headers, connection strings and pasted configuration. The order
 * matters: what is whole comes before what is part of it.
 */
const secretKinds: readonly SecretKind[] = [...secretShapes, ...secretCommands, ...secretNames]

/** What is named like a secret's value but is none. */
const harmless =
  /^(?:null|password|authentication|updated|none|true|false|undefined|empty|required|missing|changed|reset|expired|invalid|incorrect|wrong|failed|unknown|redacted|removed|hidden|masked|protected|spray|policy|n\/a|yes|no|not|never|always|disabled|enabled|the|and|was|is|has|for|with|from|in|of|to|a|an|\*+|x{3,}|\.{3,}|…)$/i

/**
 * Replaces secrets by typed placeholders, `[SECRET:jwt#1]`: the same secret has the same placeholder everywhere in one
 * incident, so that the turns of a conversation agree. Addresses, hashes and domains stay: they are the evidence.
 */
export class Redactor {
  readonly #placeholders = new Map<string, string>()
  readonly #perKind = new Map<string, number>()

  /** How many different secrets were replaced so far. */
  get count(): number {
    return this.#placeholders.size
  }

  redact(text: string): string {
    return secretKinds.reduce((seen, { kind, pattern, verify }) => {
      return seen.replace(pattern, (...match: unknown[]) => {
        const whole = match[0] as string
        // With groups: the first is what stays in front, the next one that took part is the secret.
        const groups = match.slice(
          1,
          match.findIndex((part) => typeof part === 'number'),
        ) as (string | undefined)[]
        const [kept = '', ...secrets] = groups
        const secret = groups.length > 0 ? (secrets.find((part) => part !== undefined) ?? '') : whole
        if (
          secret === '' ||
          harmless.test(secret.replace(/[.,;:!?)]+$/, '')) ||
          secret.includes('[SECRET:') ||
          (verify && !verify(secret))
        )
          return whole
        const rest = whole.slice(kept.length)
        return kept + rest.replace(secret, () => this.#placeholder(kind, secret))
      })
    }, text)
  }

  #placeholder(kind: string, secret: string): string {
    const known = this.#placeholders.get(secret)
    if (known) return known
    const number = (this.#perKind.get(kind) ?? 0) + 1
    this.#perKind.set(kind, number)
    const placeholder = `[SECRET:${kind}#${number}]`
    this.#placeholders.set(secret, placeholder)
    return placeholder
  }
}
