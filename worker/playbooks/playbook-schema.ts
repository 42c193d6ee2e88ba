import * as z from 'zod'
import { cuttableParts } from '../sentinel/cut-context.ts'

/**
 * The playbook file's shape. Every member is explained here, for those who write one.
 */

const name = z
  .string()
  .regex(/^[a-z][a-z0-9-]{0,39}$/, 'must be 1 to 40 lower-case letters, digits and dashes, starting with a letter')
const template = z.string().min(1, 'is empty').max(20_000, 'has over 20,000 characters')

/** What `evidence` can hold, under the names that templates know. */
const evidenceMembers = [
  'title',
  'severity',
  'status',
  'number',
  'tactics',
  'techniques',
  'description',
  'alerts',
  'entities',
] as const

const safetySchema = z.strictObject({
  /** Users and hosts leave the house as stand-ins (USER_K7QX), which are put back in tasks and comments. */
  pseudonyms: z.boolean().default(false),
  /** Spaces of titles and names as ^, so that they do not read like a sentence to obey. Costs tokens. */
  datamarking: z.boolean().default(false),
})

/** A task for the incident. Its id is made of incident, playbook, turn and step: renaming a turn makes new tasks. */
const taskSchema = z.strictObject({
  /** Plain text, cut to 150 characters. */
  title: template,
  /** Markdown of the answer becomes a few safe HTML tags, cut to 3,000 characters. */
  description: template,
  /** With `schema`: the member of the answer that is a list; a task per item, which templates see as `item`. */
  forEach: z.string().min(1).optional(),
})

const turnSchema = z.strictObject({
  name,
  /** What the user role asks. */
  prompt: template,
  /** Asked once per step, with `step` counting from 1. */
  forEachStep: z.boolean().default(false),
  /** The earlier turn whose question and answer go in front, so that the model keeps its context. */
  continues: name.optional(),
  /** Ceiling of the completion in tokens; a reasoning model's thinking counts too. */
  maxCompletionTokens: z.int().min(16).max(100_000),
  temperature: z.number().min(0).max(2).optional(),
  /** For reasoning models: how long to think. */
  reasoningEffort: z.enum(['none', 'minimal', 'low', 'medium', 'high', 'xhigh']).optional(),
  /** A JSON schema that the answer must satisfy; templates then see its members under `answer`. */
  schema: z.record(z.string(), z.unknown()).optional(),
  task: taskSchema.optional(),
  /** A comment on the incident, at most 30,000 characters. */
  comment: template.optional(),
})

export const playbookSchema = z
  .strictObject({
    /** Goes into message ids, task ids and run records: a new name enriches incidents anew. */
    name,
    /** Raise it when prompts change: an interrupted run of another version starts over. */
    version: z.int().min(1),
    /** `OPENAI_MODEL` overrides it. */
    model: z.string().min(1).max(200),
    /** The label that marks an incident as enriched. */
    tag: z.string().min(1).max(100),
    /** How many steps turns with `forEachStep` have. */
    steps: z.int().min(1).max(20).default(1),
    /** Which parts of the incident `{{ evidence }}` shows, in this order; empty ones are left out. */
    evidence: z
      .array(z.enum(evidenceMembers))
      .min(1)
      .max(evidenceMembers.length)
      .default(['title', 'severity', 'tactics', 'description']),
    /**
     * What stays when an incident does not fit `TOKENS_PER_INCIDENT`, the most important first: the last is cut first, from
     * its end, with a mark of what was left out. A part that is not listed is never cut; what does not fit then is
     * dead-lettered as `TokenBudgetExceeded` before anything is asked.
     */
    priority: z
      .array(z.enum(cuttableParts))
      .refine((parts) => new Set(parts).size === parts.length, 'names a part twice')
      .default([...cuttableParts]),
    safety: safetySchema.default({ pseudonyms: false, datamarking: false }),
    /** What the system role says, in every call. */
    system: template,
    turns: z.array(turnSchema).min(1).max(10),
  })
  .superRefine((playbook, context) => {
    const earlier = new Map<string, z.infer<typeof turnSchema>>()
    playbook.turns.forEach((turn, index) => {
      const problem = (field: string, message: string) =>
        context.addIssue({ code: 'custom', path: ['turns', index, ...field.split('.')], message })
      if (earlier.has(turn.name)) problem('name', 'is the name of an earlier turn too')
      if (turn.continues !== undefined) {
        const parent = earlier.get(turn.continues)
        if (!parent) problem('continues', 'names no earlier turn')
        else if (parent.forEachStep) problem('continues', 'names a turn that is asked once per step')
      }
      if (turn.task?.forEach && !turn.schema) problem('task.forEach', 'needs the turn to have a schema')
      if (turn.task?.forEach && turn.forEachStep) problem('task.forEach', 'and forEachStep exclude each other')
      earlier.set(turn.name, turn)
    })
    if (!playbook.turns.some((turn) => turn.task || turn.comment)) {
      context.addIssue({
        code: 'custom',
        path: ['turns'],
        message: 'write nothing: give one of them a task or a comment',
      })
    }
  })

export type PlaybookFile = z.infer<typeof playbookSchema>
export type TurnFile = PlaybookFile['turns'][number]
