import { looksChosen, type SecretKind, value } from './secret-kind.ts'

/** Secrets in command lines, known by the program or the option before them. */
export const secretCommands: readonly SecretKind[] = [
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
      `((?:^|[\\s"'(])(?:--?|/)(?:password|passwd|passphrase|passwort|pass|pwd|rp|secret|client-secret|api-?key|apikey|token|auth-token|access-token|pw|storepass|keypass|srcstorepass|deststorepass|srckeypass|destkeypass|(?:new|old|sa|admin|http|user|root)-?password|auth-?key)(?:[ \\t]{1,4}|[=:][ \\t]{0,4}))${value}`,
      'gi',
    ),
  },
  {
    kind: 'password',
    pattern:
      /(ConvertTo-SecureString\s{1,4}(?:-(?:String|AsPlainText|Force)\s{1,4}){0,3}["'])(?!\[SECRET)([^"'\n]{1,300})(?=["'])/gi,
  },
  {
    kind: 'password',
    pattern: /(\bIDENTIFIED\s{1,4}BY\s{1,4}(?:PASSWORD\s{1,4})?["'])(?!\[SECRET)([^"'\n]{1,200})(?=["'])/gi,
  },
  // net use \\SHARE /user:NAME PASSWORD
  {
    kind: 'password',
    pattern:
      /(\bnet1?(?:\.exe)?["']?\s{1,4}use\s{1,4}[^\n|]{0,200}?\/user:(?:"[^"\n]{1,80}"|[^\s"]{1,80})\s{1,4}["']?)(?!\[SECRET|\/|\\|\*)([^\s"'|&]{3,200})/gi,
    verify: looksChosen,
  },
  // With -p alone, in small letters: -P is a file or a port.
  {
    kind: 'password',
    pattern:
      /(\b(?:hydra|medusa|ncrack|(?:docker|podman|nerdctl|az|oc)\s{1,4}login)\b[^\n|;]{0,300}?\s-p[ =]["']?)(?!\[SECRET|[-/])([^\s"']{4,200})/g,
    verify: (text) => looksChosen(text) && !/\.\w{2,4}$/.test(text),
  },
  {
    kind: 'password',
    pattern: /(\bschtasks(?:\.exe)?["']?\s[^\n|]{0,300}?\s\/p\s{1,4}["']?)(?!\[SECRET|[/*])([^\s"']{3,200})/gi,
  },
  {
    kind: 'password',
    pattern:
      /(\bhtpasswd\s{1,4}-[a-zA-Z]{0,6}b[a-zA-Z]{0,6}\s{1,4}(?:\S{1,200}\s{1,4})?[\w.@-]{1,80}\s{1,4}["']?)(?!\[SECRET)([^\s"']{3,200})/g,
    verify: looksChosen,
  },
  // echo PASSWORD | sudo -S, echo NAME:PASSWORD | chpasswd
  {
    kind: 'password',
    pattern:
      /(\becho\s{1,4}(?:-[neE]{1,3}\s{1,4})?["']?(?:[\w.-]{1,40}:)?)(?!\[SECRET|\$)([^\s"'|]{4,200})(?=["']?\s{0,4}\|\s{0,4}(?:sudo\s{1,4}(?:-[a-zA-Z]{1,6}\s{1,4}){0,3}-[a-zA-Z]{0,4}S\b|(?:sudo\s{1,4})?(?:passwd\s{1,4}--stdin|kinit\b|chpasswd\b|su\b|cryptsetup\b|(?:docker|podman)\s{1,4}login\b)))/g,
    verify: looksChosen,
  },
  { kind: 'password', pattern: /(\brclone\s{1,4}obscure\s{1,4}["']?)(?!\[SECRET|-)([^\s"']{3,200})/gi },
  {
    kind: 'secret',
    pattern: /(\baws_(?:secret_access_key|session_token)\s{1,4}["']?)(?!\[SECRET)([A-Za-z0-9+/=_-]{20,2000})/gi,
  },
  // A value of the registry whose name says what it is: reg add … /v NAME … /d DATA, and what reg query prints.
  {
    kind: 'password',
    pattern:
      /(\/v\s{1,4}["']?[A-Za-z]{0,24}(?:password|pwd|passphrase)["']?\s[^\n|;]{0,80}?\/d\s{1,4}["']?)(?!\[SECRET)([^\s"']{3,200})/gi,
  },
  {
    kind: 'password',
    pattern: /((?:password|pwd|passphrase)\s{1,12}REG_(?:EXPAND_)?SZ\s{1,12})(?!\[SECRET)(\S{3,200})/gi,
  },
  // netsh wlan show profile … key=clear
  {
    kind: 'password',
    pattern: /(\b(?:Key Content|Schlüsselinhalt)\s{1,20}:\s{1,4})(?!\[SECRET)(\S{8,63})/gi,
    verify: looksChosen,
  },
]
