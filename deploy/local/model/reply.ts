import type { ApiFailure } from './api-failure.ts'
import type { Usage } from './chat-request.ts'
import type { Fault } from './fault.ts'

/** An answer before it goes out. */
export interface Reply {
  status: number
  headers: Record<string, string>
  body: string
  /** What the provider bills, answers that never arrive included. */
  usage?: Usage
  /** The completion's text, for the journal. */
  answer?: string
  /** From the prompt; how long a completion takes may depend on it. Absent: no model worked for this reply. */
  seed?: number
  /** How the connection or the body breaks. */
  breaks?: BrokenWire
}

export type BrokenWire = Extract<Fault, { kind: 'reset' | 'stallBeforeHeaders' | 'stallBody' | 'truncateBody' }>

const json = { 'content-type': 'application/json' }
const html = { 'content-type': 'text/html; charset=utf-8' }

export function jsonReply(status: number, body: unknown, headers: Record<string, string> = {}): Reply {
  return { status, headers: { ...json, ...headers }, body: JSON.stringify(body) }
}

export const failureReply = ({ status, body, headers }: ApiFailure): Reply => jsonReply(status, body, headers)

/** A page, as gateways and sign-in proxies put in the place of an answer. */
export function htmlReply(status: number, title: string): Reply {
  return {
    status,
    headers: html,
    body: `<!DOCTYPE html><html><head><title>${title}</title></head><body><h1>${title}</h1></body></html>`,
  }
}

export const resetReply: Reply = { status: 0, headers: {}, body: '', breaks: { kind: 'reset' } }
