import * as z from 'zod'
import type { AttackSign } from '../untrusted/incident-guard.ts'

const shield = z.object({ detected: z.boolean().nullish() }).nullish().catch(undefined)
const verdict = z.object({ jailbreak: shield, indirect_attack: shield }).nullish().catch(undefined)

/** Azure's refusal, as the SDK hands over the body's `error` member. */
const refusalSchema = z.object({ innererror: z.object({ content_filter_result: verdict }) })
/** A completion's annotations on its prompt, where the filter is set to annotate only. */
const annotatedSchema = z.object({
  prompt_filter_results: z.array(z.object({ content_filter_results: verdict })).max(20),
})

/** What Azure's Prompt Shields detected, told in a refusal's error body. */
export function signsOfRefusal(error: unknown): AttackSign[] {
  return signsOf(refusalSchema.safeParse(error).data?.innererror.content_filter_result)
}

/** The same, told beside an answer. */
export function signsOfCompletion(data: unknown): AttackSign[] {
  return (
    annotatedSchema.safeParse(data).data?.prompt_filter_results.flatMap((one) => signsOf(one.content_filter_results)) ??
    []
  )
}

function signsOf(found: z.infer<typeof verdict>): AttackSign[] {
  return (['jailbreak', 'indirect_attack'] as const).filter((name) => found?.[name]?.detected === true)
}
