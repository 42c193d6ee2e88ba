import { Canary } from './canary.ts'
import { Delimiter, defuseDelimiters } from './delimiter.ts'
import { Evidence } from './indicators.ts'
import { cutText, normaliseText } from './normalise-text.ts'
import { Pseudonyms } from './pseudonyms.ts'
import { Redactor } from './redact.ts'

/** What gave an attack away: forged delimiters or role tokens, the canary, or one of Azure's Prompt Shields. */
export type AttackSign = 'delimiter' | 'canary' | 'jailbreak' | 'indirect_attack'

export interface GuardSettings {
  /** What only this incident has, such as its ARM id. */
  incident: string
  /** Users and hosts leave the house under stand-ins. */
  pseudonyms: boolean
  /** Short texts have `^` for spaces, so that they cannot read like a sentence to obey. */
  datamarking: boolean
}

/** A secret that stands across the cut would leave its first half in sight: so much more of a text is redacted before cutting. */
function redactBeyond(maxCharacters: number): number {
  return Math.min(4_096, 512 + maxCharacters)
}
/** A longer answer is not looked at: no cap of tokens lets one through. */
const maxAnswerCharacters = 100_000

/**
 * What all untrusted text of one incident's run passes: the incident's on its way into a prompt, and the model's on its way
 * into the next prompt, the run record or Sentinel. It keeps what belongs to the run: its delimiter, its canary, the
 * placeholders of secrets, the stand-ins of names, and the signs of an attack that it met.
 */
export class IncidentGuard {
  readonly attacks = new Set<AttackSign>()
  readonly evidence = new Evidence()
  readonly datamarking: boolean
  readonly #redactor = new Redactor()
  readonly #delimiter = new Delimiter()
  readonly #canary = new Canary()
  readonly #pseudonyms: Pseudonyms | undefined

  constructor(settings: GuardSettings = { incident: '', pseudonyms: false, datamarking: false }) {
    this.datamarking = settings.datamarking
    this.#pseudonyms = settings.pseudonyms ? new Pseudonyms(settings.incident) : undefined
  }

  /** Different secrets replaced so far. */
  get secrets(): number {
    return this.#redactor.count
  }

  /** A name of the incident's entities, to be hidden wherever it stands. */
  learnName(kind: 'USER' | 'HOST', name: string): void {
    this.#pseudonyms?.learn(kind, name)
  }

  /** One text of the incident: normalised, without secrets, names hidden where that is asked for, at most `maxCharacters`. */
  clean(raw: string, maxCharacters: number): string {
    const most = maxCharacters + redactBeyond(maxCharacters)
    const text = normaliseText(raw.slice(0, most)).trim()
    const defused = defuseDelimiters(text)
    if (defused.forged) this.attacks.add('delimiter')
    const redacted = this.#redactor.redact(defused.text)
    this.evidence.add(redacted)
    const hidden = this.#pseudonyms ? this.#pseudonyms.hide(redacted) : redacted
    // What lay beyond what was read is gone too, and the mark says so.
    const cut = cutText(hidden, maxCharacters)
    return cut === hidden && raw.length > most ? `${cut} […cut]` : cut
  }

  /** A prompt, or the system text, that was rendered with marked data. */
  seal(rendered: string): string {
    return this.#delimiter.seal(rendered, this.datamarking)
  }

  /** The system text with the canary behind it. */
  sealSystem(rendered: string): string {
    return `${this.seal(rendered).trimEnd()}\n\n${this.#canary.line}\n`
  }

  /** Whether the model was made to tell what it was told. */
  tellsCanary(answer: string): boolean {
    return this.#canary.isIn(this.bounded(answer))
  }

  /** An answer cut to what is looked at. */
  bounded(answer: string): string {
    return answer.slice(0, maxAnswerCharacters)
  }

  /** A text of an answer, as it may be kept, handed back to the model and rendered; what is harmless stays letter for letter. */
  cleanAnswer(raw: string): string {
    const text = normaliseText(this.bounded(raw)).replaceAll(this.#delimiter.nonce, '')
    return this.#redactor.redact(defuseDelimiters(text).text)
  }

  /** A text for Sentinel, with the names put back that stand-ins hid: it stays in the house. */
  reveal(text: string): string {
    return this.#pseudonyms ? this.#pseudonyms.reveal(text) : text
  }
}
