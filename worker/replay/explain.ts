import type { DeadLetterReason } from '../../shared/failure.ts'

/** The broker's own reasons. */
type BrokerReason = 'MaxDeliveryCountExceeded' | 'TTLExpiredException' | 'HeaderSizeExceeded'

/** What to do about a dead letter, in a sentence, and whether replaying it as it is can help. */
export interface Advice {
  what: string
  replay: 'helps' | 'after-mending' | 'never'
}

const advice: Record<DeadLetterReason | BrokerReason, Advice> = {
  InvalidMessage: {
    what: 'The message names no Sentinel incident. Correct its sender, then discard it: replayed it dies again.',
    replay: 'never',
  },
  WorkspaceNotAllowed: {
    what: 'Add the workspace to SENTINEL_WORKSPACES and restart the worker, then replay; or discard it if it must not be written to.',
    replay: 'after-mending',
  },
  IncidentNotFound: {
    what: 'Sentinel does not have the incident (any more): it was deleted or merged, or the identity cannot see its workspace. Discard it unless the link shows the incident.',
    replay: 'after-mending',
  },
  AccessDenied: {
    what: "Give the worker's identity the role Microsoft Sentinel Responder on the workspace (enricher check shows the command), then replay.",
    replay: 'after-mending',
  },
  ContentFiltered: {
    what: "The provider's content filter refuses the incident's text. Review the incident by hand, or change the filter's settings and replay.",
    replay: 'after-mending',
  },
  TokenBudgetExceeded: {
    what: "Raise TOKENS_PER_INCIDENT or lower the playbook's limits (enricher playbook preview shows the sizes), then replay.",
    replay: 'after-mending',
  },
  AttemptsExhausted: {
    what: 'Every attempt failed. See the dependency and its code; when they are well again, replay.',
    replay: 'helps',
  },
  MaxDeliveryCountExceeded: {
    what: "Workers took it and never settled it: they crashed or lost its lock. Raise the queue's maximum delivery count if it is below 50, look at the workers' logs, then replay.",
    replay: 'helps',
  },
  TTLExpiredException: {
    what: "It waited longer than its time to live: start workers, or lengthen the queue's default time to live, then replay.",
    replay: 'helps',
  },
  HeaderSizeExceeded: {
    what: 'Its properties are larger than the broker allows. Correct its sender, then discard it.',
    replay: 'never',
  },
}

/** Advice for any reason; a producer's own reason is answered in general. */
export function adviseOn(reason: string): Advice {
  const known = Object.entries(advice).find(([name]) => name.toLowerCase() === reason.toLowerCase())
  return (
    known?.[1] ?? {
      what: 'The reason is not one of this product: ask whoever dead-lettered it, then replay or discard it.',
      replay: 'helps',
    }
  )
}
