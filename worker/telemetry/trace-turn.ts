import type { IncidentRef } from '../../shared/arm-id.ts'
import type { Exchange } from '../conversation/converse.ts'
import type { Telemetry } from './telemetry.ts'
import { attributeNames as names, spanNames } from './telemetry-names.ts'

/** A turn of the conversation, or a turn's step, with its calls inside: each of them knows which conversation it belongs to. */
export function traceTurn<T>(
  telemetry: Telemetry,
  { turn, step }: Exchange,
  incident: IncidentRef,
  work: () => Promise<T>,
): Promise<T> {
  const inherit = { [names.conversation]: incident.incident }
  return telemetry.span(spanNames.turn(turn.name), { [names.turn]: turn.name, [names.step]: step }, work, { inherit })
}
