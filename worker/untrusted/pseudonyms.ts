import { createHmac } from 'node:crypto'

type NameKind = 'USER' | 'HOST'

/** User principal names and mail addresses, and names with a Windows domain in front. */
const principal = /(?<![\w.+@-])[\w.+-]{1,64}@(?:[A-Za-z0-9-]{1,63}\.){1,5}[A-Za-z]{2,24}(?![\w-])/g
const domainUser = /(?<![\w\\/:.-])[A-Za-z][\w.-]{0,30}\\(?!\\)[\w.$-]{2,64}(?![\w\\])/g
/** Written by a model with small liberties: case, and a dash for the underscore. */
const pseudonym = /\b(USER|HOST)[_-]([A-Z2-7]{4,8})\b/gi
/** Too general to stand for somebody. */
const common = /^(?:nt authority\\.+|builtin\\.+|system|administrator|admin|guest|root|localhost|unknown|user|host)$/i

/**
 * Stand-ins for users and hosts that leave the house, and the way back for the text that stays in it. A stand-in is made of
 * the incident and the name, not of an order, so that an interrupted conversation is continued with the same ones.
 */
export class Pseudonyms {
  readonly #salt: string
  readonly #byName = new Map<string, string>()
  readonly #names = new Map<string, string>()

  /** @param salt what only this incident has, such as its ARM id: the same name in two incidents has two stand-ins */
  constructor(salt: string) {
    this.#salt = salt
  }

  /** A name that the incident's entities give: it is replaced wherever it stands. */
  learn(kind: NameKind, name: string): void {
    if (name.length >= 3 && !common.test(name)) this.#of(kind, name)
  }

  hide(text: string): string {
    const known = [...this.#byName.keys()].sort((a, b) => b.length - a.length)
    const users = (name: string) => (common.test(name) ? name : this.#of('USER', name))
    let hidden = text.replace(principal, users).replace(domainUser, users)
    for (const name of known) hidden = hidden.replace(wholeWord(name), this.#byName.get(name) ?? name)
    return hidden
  }

  /** Puts the names back; a stand-in that was never given stays as it is. */
  reveal(text: string): string {
    return text.replace(pseudonym, (whole, kind: string, code: string) => {
      return this.#names.get(`${kind}_${code}`.toUpperCase()) ?? whole
    })
  }

  #of(kind: NameKind, name: string): string {
    const key = name.toLowerCase()
    const known = this.#byName.get(key)
    if (known) return known
    const code = base32(createHmac('sha256', this.#salt).update(key).digest())
    // Four letters tell the few names of an incident apart; should two meet, the second gets more.
    let standIn = ''
    for (let length = 4; length <= 8 && (standIn === '' || this.#names.has(standIn)); length++) {
      standIn = `${kind}_${code.slice(0, length)}`
    }
    this.#byName.set(key, standIn)
    this.#names.set(standIn, name)
    return standIn
  }
}

function wholeWord(name: string): RegExp {
  return new RegExp(`(?<![\\w-])${name.replace(/[.*+?^${'$'}{}()|[\]\\/-]/g, '\\$&')}(?![\\w-])`, 'gi')
}

/** RFC 4648's letters; the first 8 of the digest. */
function base32(digest: Buffer): string {
  const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'
  return Array.from(digest.subarray(0, 8), (byte) => letters[byte % 32]).join('')
}
