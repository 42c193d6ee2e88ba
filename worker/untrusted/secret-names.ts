import { looksChosen, mixesAsPasswordsDo, named, prefix, type SecretKind } from './secret-kind.ts'

/** Secrets that a name announces, in configuration, markup and prose; and numbers of payment cards. */
export const secretNames: readonly SecretKind[] = [
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
      `${prefix}(?:[A-Za-z0-9]{0,16}(?:password|passwd|pwd)|passphrase|passcode|passwort|kennwort|losenord|wachtwoord|hasło|pass|contraseña|mot[ _]de[ _]passe|senha|парол[ья]|パスワード|비밀번호|密码|密碼)`,
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
  // In prose: a few small words after the name, then a word that mixes what only passwords mix.
  {
    kind: 'password',
    pattern:
      /((?<![\p{L}\d_])(?:password|passphrase|passcode|passwort|kennwort|mot de passe|contraseña|senha|wachtwoord)(?:\s[a-zà-ÿ]{1,9}){0,4},?\s{1,2}["'“„«(]?)(?!\[SECRET)([^\s"'“”»,;()]{7,100})/giu,
    verify: mixesAsPasswordsDo,
  },
  {
    kind: 'secret',
    pattern: named(
      `${prefix}(?:primary|secondary|validation|decryption|shared|webhook|hmac|cookie)[_-]?(?:access[_-]?)?key`,
    ),
    verify: (text) => text.length >= 20 && /\d/.test(text),
  },
  {
    kind: 'password',
    pattern: /(<\w{0,24}(?:password|passwd)>\s{0,20}<Value>)(?!\[SECRET)([^<>\n]{3,300})(?=<\/)/gi,
  },
  {
    kind: 'card-number',
    pattern: /(?<![\w.-])(?:\d{4}[ -]\d{4}[ -]\d{4}[ -]\d{1,7}|3\d{3}[ -]\d{6}[ -]\d{5}|\d{13,19})(?![\w-]|\.\d)/g,
    verify: isCardNumber,
  },
]

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
