const numbers = ['one', 'two', 'three', 'four', 'five', 'six', 'seven', 'eight', 'nine', 'ten', 'eleven', 'twelve']
const ordinals = ['first', 'second', 'third', 'fourth', 'fifth', 'sixth', 'seventh', 'eighth', 'ninth', 'tenth']
const anyNumber = `\\d{1,3}|${numbers.join('|')}`
const things = 'steps?|tasks?|actions?|recommendations?|items?|points?'

const defaultSteps = 3
const mostSteps = 20

/** How many steps a question asks for: "three recommended steps", "exactly 5 tasks"; 3 when it does not say. */
export function askedStepCount(...texts: string[]): number {
  const pattern = new RegExp(
    `\\b(${anyNumber})\\s+(?:[\\w-]+,?\\s+){0,3}?(?:steps|tasks|actions|recommendations|items|points)\\b`,
    'i',
  )
  for (const text of texts) {
    const asked = pattern.exec(text.slice(0, 4_000))?.[1]
    if (asked) return Math.min(mostSteps, Math.max(1, numberFrom(asked)))
  }
  return defaultSteps
}

/** Which step alone a follow-up asks for, from 1, in whatever words; `undefined` when it names none. */
export function askedStepNumber(question: string, last: number): number | undefined {
  const text = question.slice(0, 4_000)
  const patterns = [
    new RegExp(
      `\\b(?:step|task|action|recommendation|item|point)\\s*(?:number|no\\.?|nr\\.?|#)?\\s*[:#"'(*]*\\s*(${anyNumber})\\b`,
      'i',
    ),
    new RegExp(`\\b(${ordinals.join('|')}|last|\\d{1,2}(?:st|nd|rd|th))\\s+(?:[\\w-]+\\s+){0,2}?(?:${things})\\b`, 'i'),
    new RegExp(`(?:\\bnumber|\\bno\\.|#)\\s*(${anyNumber})\\b`, 'i'),
    /^\s*[#*(]*(\d{1,2})[.):*]/m,
    new RegExp(`\\b(${ordinals.join('|')}|last)\\b`, 'i'),
    /\b(\d{1,2})\b/,
  ]
  for (const pattern of patterns) {
    const asked = pattern.exec(text)?.[1]?.toLowerCase()
    if (asked === undefined) continue
    return asked === 'last' ? last : numberFrom(asked)
  }
  return undefined
}

/** Whether a question wants steps at all, rather than a summary. */
export function asksForSteps(text: string): boolean {
  if (new RegExp(`\\b(?:${things})\\b`, 'i').test(text)) return true
  return /\b(?:investigat|recommend|next)/i.test(text) && !/\b(?:summar|assess|overview|verdict)/i.test(text)
}

export interface ListedStep {
  title: string
  text: string
}

/** The steps of an earlier answer: a numbered list, or JSON with a list of objects in it. */
export function readListedSteps(answer: string): ListedStep[] {
  const listed = readJsonSteps(answer)
  if (listed) return listed
  const steps: ListedStep[] = []
  for (const line of answer.slice(0, 20_000).split('\n')) {
    const item = /^\s*(?:#+\s*)?(?:\*\*)?(?:step\s+)?\d{1,3}\s*[.):]\s*(.*)$/i.exec(line)?.[1]
    if (item !== undefined) {
      const bold = /^\*\*(.+?)\*\*[\s:.–—-]*(.*)$/.exec(item)
      const plain = /^(.{3,120}?)(?:\*\*)?(?:[:.–—]\s+|\s-\s+|$)(.*)$/.exec(item)
      const [, title = item, text = ''] = bold ?? plain ?? []
      steps.push({ title: title.replace(/[*_`:]+/g, '').trim(), text: text.trim() })
    } else if (line.trim() === '') continue
    else {
      const current = steps.at(-1)
      if (current && /^\s/.test(line)) current.text = `${current.text} ${line.trim()}`.trim()
    }
  }
  return steps
}

function readJsonSteps(answer: string): ListedStep[] | undefined {
  if (!answer.trimStart().startsWith('{')) return undefined
  try {
    const lists = Object.values(JSON.parse(answer) as Record<string, unknown>).filter((value) => Array.isArray(value))
    const [items = []] = lists as Record<string, unknown>[][]
    return items.map((item) => ({
      title: String(item.title ?? item.name ?? ''),
      text: String(item.description ?? item.text ?? item.detail ?? ''),
    }))
  } catch {
    return undefined
  }
}

/** A numeral, an ordinal with or without letters; 0 for anything else. */
function numberFrom(text: string): number {
  const lower = text.toLowerCase()
  const digits = Number.parseInt(lower, 10)
  if (!Number.isNaN(digits)) return digits
  return Math.max(numbers.indexOf(lower), ordinals.indexOf(lower)) + 1
}
