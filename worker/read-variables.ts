export type Environment = Record<string, string | undefined>

/** Every problem of the environment, one sentence each, by variable; never a value that may be a secret. */
export class ConfigurationError extends Error {
  readonly problems: string[]
  constructor(problems: string[]) {
    super(`The configuration has ${problems.length === 1 ? 'a problem' : `${problems.length} problems`}.`)
    this.name = 'ConfigurationError'
    this.problems = problems
  }
}

/** Reads variables and collects what is wrong with them. */
export class VariableReader {
  readonly #env: Environment
  readonly #problems: string[] = []

  constructor(env: Environment) {
    this.#env = env
  }

  problem(variable: string, sentence: string): void {
    this.#problems.push(`${variable} ${sentence}.`)
  }

  throwIfAny(): void {
    if (this.#problems.length > 0) throw new ConfigurationError(this.#problems)
  }

  /** An empty variable counts as not set: compose files and Bicep write it so. */
  text(variable: string): string | undefined {
    const value = this.#env[variable]?.trim()
    return value === '' ? undefined : value
  }

  url(variable: string): string | undefined {
    const value = this.text(variable)
    if (value === undefined) return undefined
    const url = URL.canParse(value) ? new URL(value) : undefined
    if (!url || (url.protocol !== 'https:' && url.protocol !== 'http:')) {
      this.problem(variable, 'is not an http or https URL')
      return undefined
    }
    if (url.username || url.password) {
      this.problem(variable, 'holds a user name or password: take it out, keys have their own variables')
    }
    return value.replace(/\/+$/, '')
  }

  number(variable: string, fallback: number, bounds: NumberBounds): number {
    return this.optionalNumber(variable, bounds) ?? fallback
  }

  optionalNumber(variable: string, bounds: NumberBounds = { min: 1 }): number | undefined {
    const value = this.text(variable)
    if (value === undefined) return undefined
    const { min, max = Number.MAX_SAFE_INTEGER, whole = true } = bounds
    const number = /^[+-]?(\d+\.?\d*|\.\d+)$/.test(value) ? Number(value) : Number.NaN
    if (Number.isNaN(number) || number < min || number > max || (whole && !Number.isInteger(number))) {
      const range = max === Number.MAX_SAFE_INTEGER ? `of at least ${min}` : `from ${min} to ${max}`
      this.problem(variable, `must be a ${whole ? 'whole ' : ''}number ${range}`)
      return undefined
    }
    return number
  }

  oneOf<T extends string>(variable: string, allowed: readonly T[], fallback: T): T {
    const value = this.text(variable)
    if (value === undefined) return fallback
    const found = allowed.find((item) => item === value.toLowerCase())
    if (!found) this.problem(variable, `must be one of ${allowed.join(', ')}`)
    return found ?? fallback
  }
}

interface NumberBounds {
  min: number
  max?: number
  whole?: boolean
}
