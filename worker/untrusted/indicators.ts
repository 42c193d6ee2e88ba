import { isIPv6 } from 'node:net'

/**
 * Indicators in a text: addresses, domains and hashes, as they are compared (lower case, not defanged). All patterns are
 * linear: bounded, and anchored where a run begins.
 */

/** Top-level domains by which a bare name is taken for a domain. Country codes that are file endings too are left out. */
const topLevel =
  'com|net|org|info|biz|io|co|me|tv|cc|xyz|top|online|site|club|shop|live|app|dev|cloud|icu|work|link|click|space|store|pro|tech|gov|edu|mil|int|onion|example|test|invalid|local|ru|su|cn|de|uk|fr|nl|it|es|eu|us|ca|au|br|in|jp|kr|ir|kp|ua|by|tr|ch|at|se|no|dk|fi|cz|gr|pt|hu|ro|za|mx|ar|tk|ml|ga|cf|gq|pw|ws|ly|to|am|la|vn|id|th|my|sg|hk|tw|nz|ie|be|lt|lv|ee|bg|rs|il|ae|sa|pk|ng|ke'

const octet = '(?:25[0-5]|2[0-4]\\d|1?\\d?\\d)'
const ipv4Source = `(?<![\\w.-])(?:${octet}\\.){3}${octet}(?![\\w-]|\\.\\d)`
/** Also times and hardware addresses: `replaceIndicators` asks whether it is one. */
const ipv6Source = '(?<![\\w:.])(?:[A-Fa-f0-9]{0,4}:){2,7}[A-Fa-f0-9]{0,4}(?![\\w:])'
const hashSource = '(?<![\\w])(?:[A-Fa-f0-9]{64}|[A-Fa-f0-9]{40}|[A-Fa-f0-9]{32})(?![\\w])'
/** A URL, whatever its host's name; then a bare domain, but not the part of a mail address. */
const urlSource =
  '(?<![\\w])(?:hxxps?|https?|ftps?|sftp|wss?|ldaps?|smb|tcp|udp):\\/\\/(?:[^\\s/@"\'<>]{1,120}@)?[^\\s/:?#"\'<>|)\\]}`*]{1,253}(?:[/:?#][^\\s"\'<>|)\\]}`*]{0,2000})?'
const domainSource = `(?<![\\w@.\\\\/-])(?:[A-Za-z0-9_](?:[A-Za-z0-9-]{0,62})\\.){1,8}(?:${topLevel})(?![\\w-]|\\.[\\w])`

const candidates = new RegExp(`${urlSource}|${ipv4Source}|${ipv6Source}|${hashSource}|${domainSource}`, 'gi')

/** Replaces each indicator of a text by what `replace` makes of it. */
export function replaceIndicators(text: string, replace: (found: string) => string): string {
  return text.replace(candidates, (found) => {
    const isAddress = !found.includes(':') || found.includes('://') || (found.length > 2 && isIPv6(found))
    if (!isAddress) return found
    // The full stop of a sentence is not part of a URL that ends it.
    const [end = ''] = found.includes('://') ? (/[.,;:!?]+$/.exec(found) ?? []) : []
    return replace(found.slice(0, found.length - end.length)) + end
  })
}

/** Undoes what people write so that an address is not clicked. */
export function refang(text: string): string {
  return text
    .replace(/\[\.\]|\(\.\)|\{\.\}|\[dot\]|\(dot\)/gi, '.')
    .replace(/\[:\]/g, ':')
    .replace(/\bh(?:xx|XX|\*\*)p(s?)(?=:)/gi, 'http$1')
}

/** An indicator as it is compared: of a URL its host. */
function indicatorKey(found: string): string {
  const text = found.toLowerCase()
  const host = /^[a-z+]{2,8}:\/\/(?:[^/?#@]*@)?([^/:?#]*)/.exec(text)?.[1] ?? text
  return host.replace(/\.+$/, '')
}

/** Nobody's address in particular. */
const everybodys = new Set(['127.0.0.1', '0.0.0.0', '255.255.255.255', '::1', 'localhost'])

/** What the incident's text names: an indicator of an answer that is not among it was made up, or put there. */
export class Evidence {
  readonly #known = new Set<string>()

  add(text: string): void {
    const plain = refang(text)
    replaceIndicators(plain, (found) => {
      this.#known.add(indicatorKey(found))
      return found
    })
    for (const [, domain = ''] of plain.matchAll(/@((?:[a-z0-9-]{1,63}\.){1,5}[a-z]{2,24})(?![\w-])/gi)) {
      this.#known.add(domain.toLowerCase())
    }
  }

  /** Whether the text named the indicator, or a name below that domain. */
  has(indicator: string): boolean {
    const key = indicatorKey(indicator)
    if (everybodys.has(key) || this.#known.has(key)) return true
    if (/^[\d.]+$|:/.test(key) || !key.includes('.')) return false
    for (const known of this.#known) if (known.endsWith(`.${key}`)) return true
    return false
  }
}
