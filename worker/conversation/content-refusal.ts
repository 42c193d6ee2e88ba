import { Failure } from '../../shared/failure.ts'
import type { AttackSign } from '../untrusted/incident-guard.ts'

/**
 * The text cannot be worked with: the provider's content filter refused it, or the answer gave an attack away. It is asked
 * once more with reduced evidence; thrown further, it dead-letters the message as `ContentFiltered`.
 */
export class ContentRefusal extends Failure {
  readonly signs: readonly AttackSign[]

  constructor(code: string, message: string, signs: readonly AttackSign[] = []) {
    super(message, { kind: 'hopeless', reason: 'ContentFiltered', dependency: 'model', code })
    this.name = 'ContentRefusal'
    this.signs = signs
  }
}
