import type { ModelFamily } from './model-family.ts'

type EncodingName = ModelFamily['encoding']

/** A tokenizer that remembers what it encoded: a follow-up's prompt is mostly its first turn's. */
export interface TextEncoding {
  /** Token ids; the array is shared, never change it. */
  encode(text: string): Uint32Array
  decode(ids: Uint32Array): string
}

/** Byte-pair merging is quadratic in an unbroken run: 100 kB of one letter take seconds, in windows milliseconds. */
const windowCharacters = 2_048
const rememberedTexts = 4_000
const rememberedTokens = 4_000_000

/** Special tokens in the text are text: a prompt about `<|endoftext|>` must be counted, not refused. */
const asPlainText = { disallowedSpecial: new Set<string>() }

const loaders = {
  o200k_base: () => import('gpt-tokenizer/encoding/o200k_base'),
  cl100k_base: () => import('gpt-tokenizer/encoding/cl100k_base'),
}
const loaded = new Map<EncodingName, Promise<TextEncoding>>()

/** The encoding by name, loaded once: each takes half a second and 50 MB. */
export function loadEncoding(name: EncodingName): Promise<TextEncoding> {
  const known = loaded.get(name)
  if (known) return known
  const made = loaders[name]().then((api) =>
    rememberTexts({
      encode: (text) => encodeInWindows(text, (part) => api.encode(part, asPlainText)),
      decode: (ids) => api.decode(ids),
    }),
  )
  loaded.set(name, made)
  return made
}

function encodeInWindows(text: string, encode: (part: string) => number[]): Uint32Array {
  if (text.length <= windowCharacters) return Uint32Array.from(encode(text))
  const ids: number[] = []
  for (let from = 0; from < text.length; ) {
    let to = Math.min(from + windowCharacters, text.length)
    const last = text.charCodeAt(to - 1)
    if (to < text.length && last >= 0xd800 && last <= 0xdbff) to -= 1 // half a surrogate pair encodes as garbage
    for (const id of encode(text.slice(from, to))) ids.push(id)
    from = to
  }
  return Uint32Array.from(ids)
}

function rememberTexts(encoding: TextEncoding): TextEncoding {
  const remembered = new Map<string, Uint32Array>()
  let tokens = 0
  const encode = (text: string): Uint32Array => {
    const known = remembered.get(text)
    if (known) {
      remembered.delete(text)
      remembered.set(text, known)
      return known
    }
    const ids = encoding.encode(text)
    remembered.set(text, ids)
    tokens += ids.length
    for (const [oldest, oldIds] of remembered) {
      if (remembered.size <= rememberedTexts && tokens <= rememberedTokens) break
      remembered.delete(oldest)
      tokens -= oldIds.length
    }
    return ids
  }
  return { encode, decode: encoding.decode }
}
