import { encode as encodeText } from 'gpt-tokenizer/encoding/cl100k_base'

/** A file of its own, in the bundle too: only the models before gpt-4o need it. */
export const encode = encodeText
