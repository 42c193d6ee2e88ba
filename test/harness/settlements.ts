import type { Stack } from '../../deploy/local/start-stack.ts'

/** Resolves when a message left the queue for good: the broker carried out its completion. */
export function nextSettled(stack: Stack, queue = 'incidents'): Promise<void> {
  const { events } = stack.broker
  return new Promise((resolve) => {
    const look = (event: { queue: string; outcome: string }) => {
      if (event.queue !== queue || event.outcome !== 'completed') return
      events.off('settled', look)
      resolve()
    }
    events.on('settled', look)
  })
}
