import { coversWorkspace, type IncidentRef, type WorkspaceRef, workspaceArmId } from '../shared/arm-id.ts'
import type { Clock } from '../shared/clock.ts'
import { asFailure, type DeadLetterReason, Failure, hopeless } from '../shared/failure.ts'
import { decodeIncidentMessage } from '../shared/message-envelope.ts'
import type { Calibration } from './budget/calibration.ts'
import type { FleetBudget } from './budget/fleet-budget.ts'
import { IncidentBudget } from './budget/incident-budget.ts'
import { askModel } from './conversation/ask-model.ts'
import { ContentRefusal } from './conversation/content-refusal.ts'
import { converse } from './conversation/converse.ts'
import { fitEvidence } from './conversation/fit-evidence.ts'
import type { ModelClient } from './conversation/model-client.ts'
import type { Playbook } from './playbooks/load-playbook.ts'
import type { Delivery } from './pump/delivery.ts'
import type { Circuits } from './recovery/circuits.ts'
import { type CallDependency, workedForOthers } from './recovery/immediate-retry.ts'
import { decideRecovery, type RecoverySettings } from './recovery/policy.ts'
import { keepClaim } from './runs/keep-claim.ts'
import { oneAtATime } from './runs/one-at-a-time.ts'
import type { Run, RunProgress, RunStore } from './runs/run-store.ts'
import { incidentContext, needsAlerts } from './sentinel/incident-context.ts'
import { outputsOf, planOutputs } from './sentinel/outputs.ts'
import type { SentinelClient } from './sentinel/sentinel-client.ts'
import { addTags, hasTag, injectionTag } from './sentinel/tag-incident.ts'
import { noTelemetry, type Telemetry } from './telemetry/telemetry.ts'
import { traceTurn } from './telemetry/trace-turn.ts'
import { type AttackSign, IncidentGuard } from './untrusted/incident-guard.ts'

/** What the data path works with; the composition root makes it once. */
export interface EnrichmentParts {
  playbook: Playbook
  /** The model, or Azure deployment, to ask. */
  modelName: string
  workspaces: readonly WorkspaceRef[]
  tokensPerIncident: number
  /** What the provider counts beyond our estimate, of this model and playbook. */
  calibration?: Calibration
  /** What the whole fleet may spend. */
  fleet: FleetBudget
  sentinel: SentinelClient
  model: ModelClient
  runs: RunStore
  call: CallDependency
  circuits: Circuits
  retry: RecoverySettings
  clock: Clock
  /** This process, for the run record. */
  worker: string
  /** Default: nobody listens. */
  telemetry?: Telemetry
}

/** The contract's five outcomes. What the pump does with each is its settlement. */
export type Outcome =
  | { outcome: 'enriched' }
  | { outcome: 'skipped'; why: 'tagged' | 'closed' }
  | { outcome: 'deferred'; delayMs: number; attempt: number; failure: Failure }
  | { outcome: 'released'; failure: Failure }
  | { outcome: 'dead-lettered'; reason: DeadLetterReason; failure: Failure }

/** What happened with one message, for the log and the settlement. */
export interface Enrichment {
  result: Outcome
  /** Known once the message was understood. */
  incident: IncidentRef | undefined
  used: { promptTokens: number; completionTokens: number; cachedTokens: number; calls: number }
  /** The model, or Azure deployment, that was asked. */
  model: string
  /** Tasks and comments written by this attempt. */
  written: number
  /** What gave an attack on the model away. */
  attacks: AttackSign[]
}

/** The right to go on: the message's lease, and nobody asked to stop. */
export interface Hold {
  /** Aborts the run at its next step, with the Failure that says why: a lost lease, a drain, a slot's bound. */
  signal: AbortSignal
  /** Called before each write. @throws the same Failure when the lease is over, even if no timer has noticed yet */
  assertHeld(): void
}

/**
 * The data path, for one message: decode → claim → load → converse → write tasks → tag. It settles nothing and throws
 * nothing; doing it twice, or half and then again, changes nothing in Sentinel.
 */
export async function enrichIncident(delivery: Delivery, hold: Hold, parts: EnrichmentParts): Promise<Enrichment> {
  const report = emptyReport(parts)
  try {
    const incident = decodeIncidentMessage(delivery.message.body)
    report.incident = incident
    assertAllowed(incident, parts.workspaces)
    const run = await claimRun(incident, delivery, hold.signal, parts)
    report.result = await withClaim(run, hold.signal, parts, (progress, held) =>
      enrichClaimed(incident, run, progress, report, { signal: held, assertHeld: hold.assertHeld }, parts),
    )
  } catch (error) {
    report.result = recover(asFailure(error), delivery, parts)
  }
  return report
}

/** The steps that need the claim: no other worker does them for this incident meanwhile. */
async function enrichClaimed(
  incident: IncidentRef,
  run: Run,
  progress: RunProgress,
  report: Enrichment,
  { signal, assertHeld }: Hold,
  parts: EnrichmentParts,
): Promise<Outcome> {
  const { playbook, sentinel, runs, clock, telemetry = noTelemetry } = parts

  const [loaded, existingTasks] = await Promise.all([
    sentinel.getIncident(incident, signal),
    sentinel.listTaskIds(incident, signal),
  ])
  if (hasTag(loaded, playbook.tag)) return { outcome: 'skipped', why: 'tagged' }
  if (loaded.properties.status.toLowerCase() === 'closed') return { outcome: 'skipped', why: 'closed' }

  const guard = new IncidentGuard({ incident: incident.key, ...playbook.safety })
  // An earlier attempt may have written everything but the tag: then nothing is asked again.
  if (!planOutputs(incident, playbook).every(({ kind, id }) => kind === 'task' && existingTasks.has(id))) {
    const wanted = playbook.uses
    const [alerts, entities] = await Promise.all([
      wanted.alerts || needsAlerts(loaded) ? sentinel.listAlerts(incident, signal) : [],
      wanted.entities ? sentinel.listEntities(incident, signal) : [],
    ])
    const context = incidentContext(loaded, alerts, entities, guard)

    const budget = new IncidentBudget(parts.tokensPerIncident, progress, parts.modelName, parts.calibration)
    report.used = budget.used
    const account = (spentTokens = budget.spentTokens) => {
      progress.spentTokens = spentTokens
      progress.calls = budget.calls
    }
    const checkpoint = oneAtATime(async () => {
      // With the worst case of the calls under way: if this process dies, they may have been paid.
      account(budget.committedTokens)
      await runs.checkpoint(run, progress, signal)
    })
    const conversation = await converse({
      playbook,
      model: parts.modelName,
      fit: (now) => fitEvidence(context, { playbook, answers: progress.answers, budget }, now),
      progress,
      ask: (request, exchange, within) =>
        traceTurn(telemetry, exchange, incident, () =>
          askModel(request, exchange, within, {
            model: parts.model,
            call: parts.call,
            budget,
            fleet: parts.fleet,
            workspace: workspaceArmId(incident).toLowerCase(),
            keepReserved: checkpoint,
          }),
        ),
      save: (key, answer) => {
        progress.answers.set(key, answer)
        return checkpoint()
      },
      signal,
    })
      .finally(() => account())
      .catch(async (error: unknown) => {
        // Nothing else will be written of this incident; that somebody attacks through it is worth knowing all the same.
        if (error instanceof ContentRefusal && guard.attacks.size > 0) {
          report.attacks = [...guard.attacks]
          assertHeld()
          await addTags(sentinel, incident, [injectionTag], clock, signal)
        }
        throw error
      })

    // An owner that was given up while it wrote may have written since this run looked.
    const written = run.takenOver ? await sentinel.listTaskIds(incident, signal) : existingTasks
    // In step order, one after the other: the portal shows tasks by their time of creation.
    for (const output of outputsOf(incident, playbook, context, conversation)) {
      assertHeld()
      signal.throwIfAborted()
      if (output.kind === 'comment') await sentinel.createComment(incident, output, signal)
      else if (!written.has(output.id)) await sentinel.createTask(incident, output, signal)
      else continue
      report.written++
    }
  } else {
    // What that attempt noticed in the incident's own text is noticed again.
    incidentContext(loaded, [], [], guard)
  }

  assertHeld()
  for (const answer of progress.answers.values()) for (const sign of answer.attackSigns ?? []) guard.attacks.add(sign)
  report.attacks = [...guard.attacks]
  const tags = guard.attacks.size > 0 ? [playbook.tag, injectionTag] : [playbook.tag]
  await addTags(sentinel, incident, tags, clock, signal)
  return { outcome: 'enriched' }
}

function assertAllowed(incident: IncidentRef, workspaces: readonly WorkspaceRef[]): void {
  if (workspaces.some((entry) => coversWorkspace(entry, incident))) return
  throw hopeless(
    'WorkspaceNotAllowed',
    'message',
    'WorkspaceNotAllowed',
    `The workspace is not in SENTINEL_WORKSPACES: add ${workspaceArmId(incident)} to the list and replay the message, or discard it.`,
  )
}

async function claimRun(
  incident: IncidentRef,
  delivery: Delivery,
  signal: AbortSignal,
  parts: EnrichmentParts,
): Promise<Run> {
  const result = await parts.runs.claim(
    {
      incident,
      playbook: parts.playbook.name,
      playbookVersion: parts.playbook.version,
      messageSequence: delivery.sequence,
      owner: parts.worker,
    },
    signal,
  )
  if ('claimed' in result) return result.claimed
  throw new Failure('Another worker is enriching the same incident right now; this message waits for its turn.', {
    kind: 'busy',
    dependency: 'state',
    code: 'Busy',
  })
}

/** Runs `work` while the claim is held and extended, then finishes it, or gives it back. */
async function withClaim(
  run: Run,
  signal: AbortSignal,
  parts: EnrichmentParts,
  work: (progress: RunProgress, held: AbortSignal) => Promise<Outcome>,
): Promise<Outcome> {
  const progress: RunProgress = { answers: new Map(run.answers), spentTokens: run.spentTokens, calls: run.calls }
  const claim = keepClaim(run, parts.runs, signal)
  try {
    const outcome = await work(progress, claim.held)
    await claim.stop()
    // The tag says the same to everybody; a record that stays unfinished costs the next delivery one look.
    await parts.runs.finish(run, progress, signal).catch(() => undefined)
    return outcome
  } catch (error) {
    await claim.stop()
    await parts.runs.release(run, progress)
    throw error
  }
}

/** The outcome of a run that did not end by itself. */
export function recoverFrom(failure: Failure, delivery: Delivery, parts: EnrichmentParts): Enrichment {
  return { ...emptyReport(parts), result: recover(failure, delivery, parts) }
}

function emptyReport({ modelName }: EnrichmentParts): Enrichment {
  return {
    result: { outcome: 'enriched' },
    incident: undefined,
    used: { promptTokens: 0, completionTokens: 0, cachedTokens: 0, calls: 0 },
    model: modelName,
    written: 0,
    attacks: [],
  }
}

/** The policy's decision as an outcome. */
function recover(failure: Failure, delivery: Delivery, parts: EnrichmentParts): Outcome {
  const history = {
    // Immediate retries are over: the calls made them.
    immediateRetries: Number.POSITIVE_INFINITY,
    attempt: delivery.attempt,
    copies: delivery.copies,
    workedForOthers: workedForOthers(failure, parts.circuits),
    intakeStopped: parts.circuits.intake !== 'all',
  }
  const decision = decideRecovery(failure, history, parts.retry, Math.random())
  switch (decision.do) {
    case 'dead-letter':
      return { outcome: 'dead-lettered', reason: decision.reason, failure }
    case 'defer':
      return { outcome: 'deferred', delayMs: decision.delayMs, attempt: decision.attempt, failure }
    case 'retry-now':
    case 'release':
      return { outcome: 'released', failure }
  }
}
