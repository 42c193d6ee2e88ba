/** A kind of secret: `pattern` is linear (anchored by a literal, every repetition bounded or of one class that its end excludes). */
interface SecretKind {
  kind: string
  pattern: RegExp
  /** Whether what was matched is one; default: always. */
  verify?: (secret: string) => boolean
}

/** Letters before would make it the end of a longer word or identifier. */
const start = '(?<![A-Za-z0-9_])'
/** What a value in quotes, or up to the next separator, looks like: never a placeholder, a variable or a format mark. */
const value = `(?:"(?!\\[SECRET)([^"\\n]{1,400})"|'(?!\\[SECRET)([^'\\n]{1,400})'|(?![$%{<(\\["'*])([^\\s"',;&|<>)\\]}]{3,400}))`

/** A name that announces a secret, then what it is; only the value is replaced. `[\s]*` is bounded to stay linear. */
function named(names: string, flags = 'gi'): RegExp {
  return new RegExp(
    `(?<![A-Za-z0-9_]|\\[(?=SECRET:))((?:${names})["']?[ \\t]{0,4}(?::=|=>|[:=])[ \\t]{0,4})${value}`,
    flags,
  )
}

const prefix = '(?:[A-Za-z0-9]{1,24}[_.-]){0,4}'

/**
 * The secrets that reach alerts: in command lines, URLs, headers, connection strings and pasted configuration. The order
 * matters: what is whole comes before what is part of it.
 */
const secretKinds: readonly SecretKind[] = [
  {
    kind: 'private-key',
    pattern:
      /-----BEGIN (?:[A-Z0-9]{1,12} ){0,3}PRIVATE KEY(?: BLOCK)?-----(?:(?:\s|\\[rn]){1,4}(?:Proc-Type|DEK-Info|Version|Comment):[^\n\\]{0,100}){0,4}(?:(?:\s|\\[rn]){0,8}[A-Za-z0-9+/=]{20,}){0,200}(?:(?:\s|\\[rn]){0,8}[A-Za-z0-9+/=]{1,19}(?=(?:\s|\\[rn]){0,8}-----END))?(?:(?:\s|\\[rn]){0,8}-----END [A-Z0-9 ]{1,40}-----)?/g,
  },
  {
    kind: 'jwt',
    pattern: new RegExp(`${start}eyJ[A-Za-z0-9_-]{8,4000}\\.[A-Za-z0-9_-]{8,4000}(?:\\.[A-Za-z0-9_-]{0,2000})?`, 'g'),
  },
  { kind: 'aws-key-id', pattern: /(?<![A-Z0-9])(?:AKIA|ASIA|AROA|AIDA)[A-Z0-9]{16}(?![A-Z0-9])/g },
  {
    kind: 'github-token',
    pattern: new RegExp(`${start}(?:gh[pousr]_[A-Za-z0-9]{30,255}|github_pat_[A-Za-z0-9_]{22,255})`, 'g'),
  },
  { kind: 'gitlab-token', pattern: new RegExp(`${start}gl(?:pat|dt|rt|ptt|oas)-[A-Za-z0-9_-]{20,100}`, 'g') },
  {
    kind: 'slack-token',
    pattern: new RegExp(`${start}xox[a-z]-[A-Za-z0-9-]{10,250}|${start}xapp-\\d-[A-Za-z0-9-]{10,250}`, 'g'),
  },
  {
    kind: 'webhook',
    pattern:
      /hooks\.slack\.com\/(?:services|workflows)\/[A-Za-z0-9/_-]{20,120}|discord(?:app)?\.com\/api\/webhooks\/\d{5,25}\/[\w-]{20,120}/gi,
  },
  {
    kind: 'openai-key',
    pattern: new RegExp(
      `${start}sk-(?:proj-|svcacct-|admin-|ant-[a-z0-9]{1,8}-|or-v1-|live-)?[A-Za-z0-9_-]{20,250}`,
      'g',
    ),
  },
  {
    kind: 'stripe-key',
    pattern: new RegExp(`${start}(?:sk|rk|pk)_(?:live|test)_[A-Za-z0-9]{10,120}|${start}whsec_[A-Za-z0-9]{20,80}`, 'g'),
  },
  {
    kind: 'google-key',
    pattern: new RegExp(
      `${start}AIza[A-Za-z0-9_-]{35}|${start}GOCSPX-[A-Za-z0-9_-]{20,40}|${start}ya29\\.[A-Za-z0-9_-]{20,300}`,
      'g',
    ),
  },
  { kind: 'sendgrid-key', pattern: new RegExp(`${start}SG\\.[A-Za-z0-9_-]{16,32}\\.[A-Za-z0-9_-]{30,64}`, 'g') },
  {
    kind: 'npm-token',
    pattern: new RegExp(
      `${start}(?:npm_[A-Za-z0-9]{36}|pypi-[A-Za-z0-9_-]{50,250}|dckr_pat_[A-Za-z0-9_-]{20,60}|hf_[A-Za-z0-9]{30,60}|shpat_[a-f0-9]{32}|dapi[a-f0-9]{32}|(?:SK|AC)[a-f0-9]{32}|dop_v1_[a-f0-9]{64})`,
      'g',
    ),
  },
  { kind: 'vault-token', pattern: new RegExp(`${start}hv[sbr]\\.[A-Za-z0-9_-]{20,200}`, 'g') },
  { kind: 'telegram-token', pattern: /(?<!\d)\d{8,10}:AA[A-Za-z0-9_-]{33}(?![A-Za-z0-9_-])/g },
  // Entra client secrets have "8Q~" after three characters; Azure DevOps tokens and service keys carry signatures inside.
  {
    kind: 'azure-secret',
    pattern: /(?<![A-Za-z0-9_~.-])[A-Za-z0-9_~.-]{3}\dQ~[A-Za-z0-9_~.-]{31,34}(?![A-Za-z0-9_~.-])/g,
  },
  {
    kind: 'azure-secret',
    pattern:
      /(?<![A-Za-z0-9+/])[A-Za-z0-9+/]{40,80}(?:AZDO|JQQJ99|ACDbM|AAAAAz)[A-Za-z0-9+/]{0,40}={0,2}(?![A-Za-z0-9+/=])/g,
  },
  {
    kind: 'storage-key',
    pattern:
      /((?:AccountKey|SharedAccessKey|SharedSecretValue|EndpointKey)\s{0,4}=\s{0,4})([A-Za-z0-9+/%_-]{10,200}={0,2})/gi,
  },
  { kind: 'storage-key', pattern: /(?<![A-Za-z0-9+/=])[A-Za-z0-9+/]{86}==(?![A-Za-z0-9+/=])/g },
  { kind: 'sas-signature', pattern: /([?&;](?:amp;)?sig=)([A-Za-z0-9%+/=_-]{16,200})/gi },
  { kind: 'sas-signature', pattern: /(SharedAccessSignature\s{0,2}[= ]\s{0,2}(?:sr=)?)([^\s"';,]{16,600})/gi },
  {
    kind: 'authorization',
    pattern:
      /((?:Authorization|Proxy-Authorization)["']?\s{0,4}[:=]\s{0,4}["']?(?:Bearer|Basic|Digest|Negotiate|NTLM|Token|ApiKey|AWS4-HMAC-SHA256)\s{1,4})([A-Za-z0-9+/=._~:-]{6,4000})/gi,
  },
  { kind: 'authorization', pattern: new RegExp(`${start}(Bearer\\s{1,4})([A-Za-z0-9+/=._~-]{20,4000})`, 'gi') },
  { kind: 'cookie', pattern: /((?:Set-)?Cookie["']?\s{0,4}:\s{0,4})([^\n"']{8,4000})/gi },
  // user:password@host, with any scheme; the user stays.
  {
    kind: 'url-password',
    pattern: /([a-z][a-z0-9+.-]{1,20}:\/\/[^\s/:@"'<>?#]{0,120}:)(?!\[SECRET)([^\s/@"'<>]{1,200})(?=@)/gi,
  },
  // The same without a scheme, as tools take it: CONTOSO/admin:password@192.0.2.9
  {
    kind: 'url-password',
    pattern:
      /((?<![\w:/.@[-])(?:[\w.-]{1,40}\/)?[\w.-]{1,64}:)(?!\[SECRET)([^\s/@:"'<>]{4,120})(?=@[\w-]{1,63}[.:\w])/g,
    verify: looksChosen,
  },
  { kind: 'api-key', pattern: /([?&](?:code|key|apikey|token|auth)=)([A-Za-z0-9%+/_-]{32,200}={0,2})/gi },
  // Command lines: net user NAME PASSWORD, curl -u user:password, sshpass -p, mysql -pPASSWORD, psexec -p, cmdkey /pass:
  {
    kind: 'password',
    pattern:
      /(\bnet1?(?:\.exe)?["']?\s{1,4}user\s{1,4}(?:"[^"\n]{1,80}"|[^\s/"]{1,80})\s{1,4})(?!\[SECRET|\/)("[^"\n]{1,200}"|[^\s"/][^\s"]{0,200})/gi,
  },
  {
    kind: 'password',
    pattern:
      /(\bnet1?(?:\.exe)?["']?\s{1,4}use\s{1,4}(?:[A-Za-z]:\s{1,4})?\\\\[^\s"]{1,200}\s{1,4})(?!\[SECRET|\/)("[^"\n]{1,200}"|[^\s"/][^\s"]{0,200})/gi,
  },
  {
    kind: 'password',
    pattern:
      /(\bcurl\b[^\n|;]{0,300}?\s(?:-u|--user|-U|--proxy-user)[ =]{0,2}["']?[^\s:"']{1,120}:)(?!\[SECRET)([^\s"']{1,200})/gi,
  },
  // user:password and user%password after an option that says so.
  {
    kind: 'password',
    pattern:
      /(\s(?:-U|-u|--user|--auth|--userpwd|--credentials?)[ =]["']?[\w.\\/@-]{1,100}[:%])(?!\[SECRET|\\|\/\/)([^\s"']{4,120})/g,
    verify: looksChosen,
  },
  {
    kind: 'password',
    pattern:
      /(\b(?:redis-cli|openssl|certutil(?:\.exe)?|keytool|gpg|kinit|mongo(?:sh|dump)?|bcp|sqlcmd|osql|isql|net)\b[^\n|;]{0,300}?\s(?:-a|-k|-p|-P|-pass(?:in|out)?(?:\s{1,2}pass:)?)[ =:]["']?)(?!\[SECRET|\d{1,5}(?:\s|$)|[-/])([^\s"']{6,200})/gi,
    verify: looksChosen,
  },
  {
    kind: 'password',
    pattern:
      /(\b(?:sshpass|psexec(?:64)?(?:\.exe)?|mysql(?:dump)?|wmic|plink(?:\.exe)?|pscp|smbclient|xfreerdp|impacket-\w{1,20}|crackmapexec|nxc|evil-winrm|ldapsearch|rar|7z|unzip|zip)\b[^\n|;]{0,300}?\s(?:-p|-pw|-w|\/p:?|-hp)[ =:]?["']?)(?!\[SECRET|\d{1,5}(?:\s|$))([^\s"']{3,200})/gi,
  },
  {
    kind: 'password',
    pattern: new RegExp(
      `((?:^|[\\s"'(])(?:--?|/)(?:password|passwd|passphrase|passwort|pass|pwd|rp|secret|client-secret|api-?key|apikey|token|auth-token|access-token|storepass|keypass|sa-password)(?:[ \\t]{1,4}|[=:][ \\t]{0,4}))${value}`,
      'gi',
    ),
  },
  {
    kind: 'password',
    pattern: /(ConvertTo-SecureString\s{1,4}(?:-String\s{1,4})?["'])(?!\[SECRET)([^"'\n]{1,300})(?=["'])/gi,
  },
  {
    kind: 'password',
    pattern: /(\bIDENTIFIED\s{1,4}BY\s{1,4}(?:PASSWORD\s{1,4})?["'])(?!\[SECRET)([^"'\n]{1,200})(?=["'])/gi,
  },
  {
    kind: 'password',
    pattern:
      /(\b(?:password|passphrase|passwort)\s{1,3}(?:(?:is|was|ist|war|lautet)\s{1,3}|\())(?!\[SECRET)([^\s"',;()]{5,200})/gi,
    verify: looksChosen,
  },
  // Names of settings, in configuration, JSON, query strings and environment variables.
  {
    kind: 'password',
    pattern: named(
      `${prefix}(?:[A-Za-z0-9]{0,16}(?:password|passwd|pwd)|passphrase|passcode|passwort|kennwort|losenord|wachtwoord|hasło|pass|contraseña|mot[ _]de[ _]passe|senha|парол[ья]|密码|密碼)`,
    ),
  },
  {
    kind: 'secret',
    pattern: named(
      `${prefix}(?:client[_-]?secret|app[_-]?secret|secret[_-]?access[_-]?key|secret[_-]?key|shared[_-]?secret|signing[_-]?key|encryption[_-]?key|private[_-]?key|(?:primary|secondary)?master[_-]?key|credentials?|secret)`,
    ),
    verify: looksChosen,
  },
  {
    kind: 'api-key',
    pattern: named(
      `${prefix}(?:x-)?(?:api[_-]?key|apikey|access[_-]?key|subscription[_-]?key|functions[_-]?key|instrumentation[_-]?key|account[_-]?key|auth[_-]?key|license[_-]?key|storage[_-]?key|host[_-]?key)`,
    ),
  },
  {
    kind: 'token',
    pattern: named(
      `${prefix}(?:access[_-]?token|refresh[_-]?token|id[_-]?token|auth[_-]?token|session[_-]?token|bearer[_-]?token|bot[_-]?token|sas[_-]?token|csrf[_-]?token|personal[_-]?access[_-]?token|token)`,
    ),
    verify: looksChosen,
  },
  // XML: <password>…</password>, and <add key="…Password" value="…">.
  {
    kind: 'password',
    pattern: /(<(?:\w{1,20}:)?\w{0,24}(?:password|passwd|secret|apikey|token)>)(?!\[SECRET)([^<>\n]{3,300})(?=<\/)/gi,
  },
  {
    kind: 'password',
    pattern:
      /((?:key|name)="[\w.:-]{0,40}(?:password|passwd|pwd|secret|apikey|token)" value=")(?!\[SECRET)([^"\n]{3,300})(?=")/gi,
  },
  {
    kind: 'card-number',
    pattern: /(?<![\w.-])(?:\d{4}[ -]\d{4}[ -]\d{4}[ -]\d{1,7}|3\d{3}[ -]\d{6}[ -]\d{5}|\d{13,19})(?![\w-]|\.\d)/g,
    verify: isCardNumber,
  },
]

/** What is named like a secret's value but is none. */
const harmless =
  /^(?:null|none|true|false|undefined|empty|required|missing|changed|reset|expired|invalid|incorrect|wrong|failed|unknown|redacted|removed|hidden|masked|protected|spray|policy|n\/a|yes|no|not|never|always|disabled|enabled|the|and|was|is|has|for|with|from|in|of|to|a|an|\*+|x{3,}|\.{3,}|…)$/i

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

/** Whether a value after a word that prose uses too ("secret: …") is more than the next word of a sentence. */
function looksChosen(text: string): boolean {
  return text.length >= 20 || /\d|[!#$%&*+=@^~]/.test(text)
}

/** Length and issuer's first digits of a payment card, and the check digit (ISO/IEC 7812-1, annex B: Luhn). */
function isCardNumber(text: string): boolean {
  const digits = text.replace(/\D/g, '')
  if (
    !/^(?:4\d{15}|4\d{18}|5[1-5]\d{14}|2(?:22[1-9]|2[3-9]\d|[3-6]\d\d|7[01]\d|720)\d{12}|3[47]\d{13}|3(?:0[0-5]|[68]\d)\d{11}|6(?:011|5\d\d)\d{12}|35\d{14})$/.test(
      digits,
    )
  )
    return false
  let sum = 0
  for (let index = 0; index < digits.length; index++) {
    const digit = Number(digits[digits.length - 1 - index])
    const weighted = index % 2 === 0 ? digit : digit * 2
    sum += weighted > 9 ? weighted - 9 : weighted
  }
  return sum % 10 === 0
}
