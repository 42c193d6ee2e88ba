import { type ChatRequest, textOf } from '../chat-request.ts'
import { fillSchema } from './fill-schema.ts'
import { general, type Step, themes } from './knowledge.ts'

export const demoNote = 'Written by the built-in demo model, not by a language model.'

/**
 * Answers a chat by rules: the incident's words choose the theme, its names fill the steps. The same messages always get
 * the same answer.
 */
export function writeAnswer(request: ChatRequest): string {
  const [question = '', followUp] = request.messages.filter((one) => one.role === 'user').map(textOf)
  const count = askedCount(question)
  const steps = stepsFor(question, count)
  if (request.responseFormat.type === 'json_schema') {
    return JSON.stringify(
      fillSchema(
        request.responseFormat.json_schema.schema,
        steps.map((one) => ({ title: one.title, text: detailOf(one, question) })),
        demoNote,
      ),
    )
  }
  const earlier = request.messages.find((one) => one.role === 'assistant')
  if (followUp !== undefined && earlier) {
    const number = askedStep(followUp)
    const line = textOf(earlier)
      .split('\n')
      .find((one) => new RegExp(`^\\s*${number}[.)]`).test(one))
    const title = /\*\*(.+?)\*\*/.exec(line ?? '')?.[1] ?? steps[number - 1]?.title
    const known = steps.find((one) => one.title === title) ?? steps[number - 1] ?? general[0]
    return known ? `**${title ?? known.title}**\n\n${detailOf(known, question)}\n\n${demoNote}` : demoNote
  }
  const list = steps.map((one, index) => `${index + 1}. **${one.title}** - ${one.summary}`)
  return [`Recommended investigation of "${titleOf(question)}":`, '', ...list, '', demoNote].join('\n')
}

function stepsFor(question: string, count: number): Step[] {
  const evidence = question.slice(question.search(/title:/i) + 1)
  const scored = themes.map((theme) => ({
    theme,
    hits: evidence.match(new RegExp(theme.words.source, 'gi'))?.length ?? 0,
  }))
  scored.sort((a, b) => b.hits - a.hits)
  const chosen = scored.filter((one) => one.hits > 0).slice(0, 2)
  const pool = [...(chosen[0]?.theme.steps ?? []), ...(count > 3 ? (chosen[1]?.theme.steps ?? []) : []), ...general]
  return pool.slice(0, count)
}

function detailOf(step: Step, question: string): string {
  const names = indicatorsOf(question)
  const about = names.length > 0 ? ` Start with ${names.slice(0, 3).join(', ')}.` : ''
  return `${step.detail}${about}\n\n- Query: \`${step.query}\`\n- Escalate when ${step.escalateWhen}.`
}

/** Addresses, accounts and hosts that the incident names. */
function indicatorsOf(text: string): string[] {
  const found = [
    ...text.matchAll(/\b(?:\d{1,3}\.){3}\d{1,3}\b/g),
    ...text.matchAll(/\b[\w.+-]{2,40}@[\w-]{2,40}\.[\w.]{2,20}\b/g),
    ...text.matchAll(/\b[A-Z]{2,8}-[A-Z0-9]{2,12}(?:-[A-Z0-9]{1,12})?\b/g),
  ].map(([match]) => match)
  return [...new Set(found)].slice(0, 6)
}

function titleOf(question: string): string {
  return /title:\s*(.+)/i.exec(question)?.[1]?.trim() ?? 'the incident'
}

const words = ['one', 'two', 'three', 'four', 'five', 'six', 'seven', 'eight', 'nine', 'ten']
const ordinals = ['first', 'second', 'third', 'fourth', 'fifth', 'sixth', 'seventh', 'eighth', 'ninth', 'tenth']

function askedCount(question: string): number {
  const match = new RegExp(`\\b(\\d{1,2}|${words.join('|')})\\s+(?:\\w+\\s+){0,3}steps?\\b`, 'i').exec(question)
  const number = match ? numberOf(match[1] ?? '', words) : 3
  return Math.min(Math.max(number, 1), 8)
}

function askedStep(text: string): number {
  const numbered =
    /\b(?:step|number|no\.?|#)\s*(?:number\s*)?(\d{1,2})\b/i.exec(text)?.[1] ?? /^\s*(\d{1,2})[.)]/.exec(text)?.[1]
  if (numbered) return Number(numbered)
  const ordinal = ordinals.findIndex((word) => new RegExp(`\\b${word}\\b`, 'i').test(text))
  if (ordinal >= 0) return ordinal + 1
  const word = new RegExp(`\\bstep\\s+(${words.join('|')})\\b`, 'i').exec(text)?.[1]
  return word ? numberOf(word, words) : 1
}

function numberOf(text: string, names: string[]): number {
  const digits = Number(text)
  return Number.isInteger(digits) ? digits : names.indexOf(text.toLowerCase()) + 1
}
