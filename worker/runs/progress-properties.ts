import * as z from 'zod'
import type { RunProgress, StoredAnswer } from './run-store.ts'

/** A string property holds at most 32,768 UTF-16 characters. */
const chunkLength = 30_000

const answerSchema = z.object({
  text: z.string(),
  promptTokens: z.number(),
  completionTokens: z.number(),
  cachedTokens: z.number(),
  attackSigns: z.array(z.enum(['delimiter', 'canary', 'jailbreak', 'indirect_attack'])).optional(),
})

/** Answers as properties `answer_<turn>_<step>_<chunk>`, those that `saved` has left out. */
export function progressProperties(
  progress: RunProgress,
  saved: Pick<RunProgress, 'answers'>,
): Record<string, unknown> {
  const properties: Record<string, unknown> = { spentTokens: progress.spentTokens, calls: progress.calls }
  for (const [key, answer] of progress.answers) {
    if (saved.answers.get(key) === answer) continue
    chunksOf(answer).forEach((chunk, index) => {
      properties[`${propertyOf(key)}_${index}`] = chunk
    })
  }
  return properties
}

/**
 * JSON in ASCII, cut into properties. Beyond ASCII a cut can fall into a surrogate pair, and Azurite mangles characters that
 * arrive split over two packets.
 */
function chunksOf(answer: StoredAnswer): string[] {
  const json = JSON.stringify(answer).replace(
    /[^ -~]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
  return Array.from({ length: Math.ceil(json.length / chunkLength) }, (_, index) =>
    json.slice(index * chunkLength, (index + 1) * chunkLength),
  )
}

export function readProgress(
  row: Record<string, unknown>,
  known: Pick<RunProgress, 'spentTokens' | 'calls'>,
): RunProgress {
  const answers = new Map<string, StoredAnswer>()
  for (const property of Object.keys(row)) {
    const match = /^answer_(\w+)_(\d+)_0$/.exec(property)
    if (!match) continue
    let json = ''
    for (let chunk = 0; typeof row[`answer_${match[1]}_${match[2]}_${chunk}`] === 'string'; chunk++) {
      json += row[`answer_${match[1]}_${match[2]}_${chunk}`]
    }
    const answer = answerSchema.safeParse(parseJson(json))
    if (answer.success) answers.set(`${(match[1] ?? '').replaceAll('_', '-')}/${match[2]}`, answer.data)
  }
  return { answers, spentTokens: known.spentTokens, calls: known.calls }
}

/** `turn/step` as a property name, which is letters, digits and underscores; turn names have no underscore. */
function propertyOf(key: string): string {
  return `answer_${key.replace('/', '_').replaceAll('-', '_')}`
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
