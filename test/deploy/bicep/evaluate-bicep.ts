import { dirname, join } from 'node:path'
import { callFunction, type Lambda } from './bicep-functions.ts'
import { type BicepFile, type Declaration, readBicepFile } from './read-bicep.ts'
import type { Expression } from './read-expression.ts'

export interface DeployedResource {
  type: string
  /** The file that declares it. */
  file: string
  symbol: string
  body: Record<string, unknown>
}

export interface Deployment {
  resources: DeployedResource[]
  outputs: Record<string, unknown>
}

/** Properties that only the service knows, by resource type; they are merged into `properties`. */
export type ServiceAnswers = (type: string, name: string) => Record<string, unknown>

/**
 * Computes what a deployment would ask for: every module entered, every expression evaluated, conditions and loops obeyed.
 * Service-made properties come from `answers`. It knows the subset of Bicep that this project uses and throws on anything else.
 */
export function evaluateDeployment(
  path: string,
  parameters: Record<string, unknown>,
  answers: ServiceAnswers,
): Deployment {
  const resources: DeployedResource[] = []
  const outputs = new Scope(readBicepFile(path), parameters, answers, resources).run()
  return { resources, outputs }
}

/** The values that a parameter file assigns, with these environment variables. */
export function evaluateParameters(path: string, environment: Record<string, string>): Record<string, unknown> {
  const file = readBicepFile(path)
  const scope = new Scope(file, {}, () => ({}), [], environment)
  return Object.fromEntries(file.declarations.map((one) => [one.name, scope.valueOf(one.name)]))
}

type Locals = Record<string, unknown>

class Scope {
  readonly #file: BicepFile
  readonly #parameters: Record<string, unknown>
  readonly #answers: ServiceAnswers
  readonly #resources: DeployedResource[]
  readonly #environment: Record<string, string>
  readonly #known = new Map<string, unknown>()

  constructor(
    file: BicepFile,
    parameters: Record<string, unknown>,
    answers: ServiceAnswers,
    resources: DeployedResource[],
    environment: Record<string, string> = {},
  ) {
    if (file.syntaxErrors.length > 0) throw new Error(file.syntaxErrors.join('\n'))
    this.#file = file
    this.#parameters = parameters
    this.#answers = answers
    this.#resources = resources
    this.#environment = environment
  }

  run(): Record<string, unknown> {
    const outputs: Record<string, unknown> = {}
    for (const one of this.#file.declarations) {
      if (one.kind === 'output') outputs[one.name] = one.value && this.#evaluate(one.value, {})
      else this.valueOf(one.name)
    }
    return outputs
  }

  valueOf(name: string): unknown {
    if (!this.#known.has(name)) {
      const found = this.#file.declarations.find((one) => one.name === name && one.kind !== 'output')
      if (!found) throw new Error(`${this.#file.path}: ${name} is not declared`)
      this.#known.set(name, this.#declared(found))
    }
    return this.#known.get(name)
  }

  #declared(one: Declaration): unknown {
    if (one.kind === 'param' && one.name in this.#parameters) return this.#parameters[one.name]
    if (!one.value) throw new Error(`${this.#file.path}: the parameter ${one.name} has no value`)
    if (one.kind === 'param' || one.kind === 'var') return this.#evaluate(one.value, {})
    const deployed = one.condition === undefined || this.#evaluate(one.condition, {}) === true
    const { value } = one
    const make = (body: Expression, locals: Locals) =>
      one.kind === 'module' ? this.#module(one, body, locals, deployed) : this.#resource(one, body, locals, deployed)
    return value.kind === 'for' ? this.#loop(value, {}, (locals) => make(value.body, locals)) : make(value, {})
  }

  #resource(one: Declaration, expression: Expression, locals: Locals, deployed: boolean): unknown {
    const [type = ''] = one.type.split('@')
    const body = this.#evaluate(expression, locals) as Record<string, unknown>
    const parent = body.parent as { name: string } | undefined
    const name = parent ? `${parent.name}/${String(body.name)}` : String(body.name)
    const properties = { ...(body.properties as object), ...this.#answers(type, name) }
    const resource = { ...body, properties, name: body.name, type, id: `/resource/${type}/${name}` }
    if (type === 'Microsoft.Logic/workflows')
      Object.assign(resource, { identity: { principalId: 'logic-app-principal' } })
    if (deployed && !one.existing) {
      this.#resources.push({ type, file: this.#file.path, symbol: one.name, body })
    }
    return resource
  }

  #module(one: Declaration, expression: Expression, locals: Locals, deployed: boolean): unknown {
    if (!deployed) return { outputs: {} }
    const { params = {} } = this.#evaluate(expression, locals) as { params?: Record<string, unknown> }
    const file = readBicepFile(join(dirname(this.#file.path), one.type))
    return { outputs: new Scope(file, params, this.#answers, this.#resources, this.#environment).run() }
  }

  #loop(loop: Expression & { kind: 'for' }, locals: Locals, body: (locals: Locals) => unknown): unknown[] {
    const items = this.#evaluate(loop.over, locals) as unknown[]
    return items.map((item, index) =>
      body({ ...locals, [loop.item]: item, ...(loop.index === undefined ? {} : { [loop.index]: index }) }),
    )
  }

  #evaluate(one: Expression, locals: Locals): unknown {
    const value = (inner: Expression) => this.#evaluate(inner, locals)
    switch (one.kind) {
      case 'literal':
        return one.value
      case 'string':
        return one.parts.map((part) => (typeof part === 'string' ? part : String(value(part)))).join('')
      case 'name':
        return one.name in locals ? locals[one.name] : this.valueOf(one.name)
      case 'member':
        return (value(one.object) as Record<string, unknown> | undefined)?.[one.property]
      case 'index':
        return (value(one.object) as Record<string | number, unknown>)[value(one.index) as string | number]
      case 'choice':
        return value(one.condition) ? value(one.yes) : value(one.no)
      case 'not':
        return !value(one.operand)
      case 'binary':
        return binary(
          one.operator,
          () => value(one.left),
          () => value(one.right),
        )
      case 'array':
        return one.items.map(value)
      case 'object':
        return Object.fromEntries(one.properties.map((property) => [value(property.key), value(property.value)]))
      case 'for':
        return this.#loop(one, locals, (inner) => this.#evaluate(one.body, inner))
      case 'lambda': {
        const lambda: Lambda = (...items) =>
          this.#evaluate(one.body, {
            ...locals,
            ...Object.fromEntries(one.parameters.map((name, at) => [name, items[at]])),
          })
        return lambda
      }
      case 'call':
        return callFunction(one.name, one.arguments.map(value), {
          folder: dirname(this.#file.path),
          environment: this.#environment,
        })
    }
  }
}

function binary(operator: string, left: () => unknown, right: () => unknown): unknown {
  const numbers = () => [left(), right()] as [number, number]
  switch (operator) {
    case '&&':
      return left() && right()
    case '||':
      return left() || right()
    case '==':
      return left() === right()
    case '!=':
      return left() !== right()
  }
  const [a, b] = numbers()
  switch (operator) {
    case '+':
      return a + b
    case '-':
      return a - b
    case '*':
      return a * b
    // Whole numbers only, as Resource Manager computes.
    case '/':
      return Math.trunc(a / b)
    case '%':
      return a % b
    case '>':
      return a > b
    case '>=':
      return a >= b
    case '<':
      return a < b
    case '<=':
      return a <= b
  }
  throw new Error(`the operator ${operator} is not understood`)
}
