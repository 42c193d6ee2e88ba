import { replaceIndicators } from './indicators.ts'

/** Schemes that a page makes clickable or runs, with or without slashes behind. */
const scheme =
  /(?!hxxp)([a-z][a-z0-9+.-]{0,20}):\/\/|\b(javascript|vbscript|data|file|mailto|tel|sms|callto|search-ms|ms-[a-z]{2,20}):(?=\S)/gi

/** Addresses written so that neither a page nor a reader's slip opens them: `hxxps://evil[.]example`, `203[.]0[.]113[.]5`. */
export function defangAddresses(text: string): string {
  return defangSchemes(replaceIndicators(text, (found) => found.replaceAll('.', '[.]')))
}

/** The least: no scheme that works, and no "www." For code, where an address must stay as a query needs it. */
export function defangSchemes(text: string): string {
  return text
    .replace(scheme, (whole, slashed: string | undefined, bare: string | undefined) => {
      if (bare) return `${bare}[:]`
      if (/^https?$/i.test(slashed ?? '')) return whole.replace(/^(h)tt/i, '$1xx')
      return `${slashed}[:]//`
    })
    .replace(/www\.(?=\S)/gi, 'www[.]')
}
