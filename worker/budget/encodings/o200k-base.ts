import { encode as encodeText } from 'gpt-tokenizer/encoding/o200k_base'

/** A file of its own, in the bundle too: its ranks are a third of all the code, and nothing needs them before the first prompt. */
export const encode = encodeText
