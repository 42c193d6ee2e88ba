import { looksChosen, type SecretKind, start } from './secret-kind.ts'

/** Secrets that are known by their own shape, or by the header, URL or connection string that they stand in. */
export const secretShapes: readonly SecretKind[] = [
  {
    kind: 'private-key',
    pattern:
      /-----BEGIN (?:[A-Z0-9]{1,12} ){0,3}PRIVATE KEY(?: BLOCK)?-----(?:(?:\s|\\[rn]){1,4}(?:Proc-Type|DEK-Info|Version|Comment):[^\n\\]{0,100}){0,4}(?:(?:\s|\\[rn]){0,8}[A-Za-z0-9+/=]{20,}){0,200}(?:(?:\s|\\[rn]){0,8}[A-Za-z0-9+/=]{1,19}(?=(?:\s|\\[rn]){0,8}-----END))?(?:(?:\s|\\[rn]){0,8}-----END [A-Z0-9 ]{1,40}-----)?/g,
  },
  {
    kind: 'jwt',
    // Begins where a run of its characters begins: tried at every "eyJ" inside a long run, it would take 100 ms.
    pattern: /(?<![A-Za-z0-9_-])eyJ[A-Za-z0-9_-]{8,4000}\.[A-Za-z0-9_-]{8,4000}(?:\.[A-Za-z0-9_-]{0,2000})?/g,
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
  {
    kind: 'token',
    pattern: new RegExp(
      `${start}(?:gls?[ac]_[A-Za-z0-9_]{30,200}|rubygems_[a-f0-9]{48}|PMAK-[a-f0-9]{24}-[a-f0-9]{34}|AT[AC]TT3[A-Za-z0-9_=-]{40,400}|ATBB[A-Za-z0-9]{28,40}|tskey-[a-z]{2,12}-[A-Za-z0-9-]{20,80}|lin_api_[A-Za-z0-9]{32,48}|sntry[su]_[A-Za-z0-9_=+/-]{30,400}|figd_[A-Za-z0-9_-]{30,60}|NRAK-[A-Z0-9]{27}|xkeysib-[a-f0-9]{64}-[A-Za-z0-9]{16}|do[por]_v1_[A-Za-z0-9]{40,90}|sq0(?:csp|atp)-[A-Za-z0-9_-]{22,60}|shp(?:ss|pa|ca)_[a-f0-9]{32}|AGE-SECRET-KEY-1[A-Z0-9]{40,80}|(?:gsk|ntn|sbp|r8)_[A-Za-z0-9]{30,80}|xoxe\\.xox[bp]-\\d-[A-Za-z0-9-]{20,250})`,
      'g',
    ),
  },
  {
    kind: 'webhook',
    pattern: /(?:webhook\.office\.com\/webhookb2|outlook\.office(?:365)?\.com\/webhook)\/[A-Za-z0-9@/_-]{20,250}/gi,
  },
  // Session cookies by name, where no header says that they are cookies.
  {
    kind: 'cookie',
    pattern: new RegExp(
      `${start}((?:ESTSAUTH(?:PERSISTENT|LIGHT)?|PHPSESSID|JSESSIONID|ASP\\.NET_SessionId|ASPXAUTH|sessionid|connect\\.sid|FedAuth|rtFa|laravel_session|x-ms-RefreshTokenCredential)=)(?!\\[SECRET)([A-Za-z0-9%._+/~-]{16,4000}={0,2})`,
      'gi',
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
]
