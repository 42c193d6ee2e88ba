/** A completion of 100,000 tokens is half of this; parsing more would hold the event loop. */
const maxBodyBytes = 1_048_576

/** `fetch`, whose answers end with an error where they get longer than any completion is. */
export async function boundedFetch(input: string | URL | Request, init?: RequestInit): Promise<Response> {
  const response = await fetch(input, init)
  if (!response.body || isShort(response.headers)) return response
  let left = maxBodyBytes
  const bounded = response.body.pipeThrough(
    new TransformStream<Uint8Array, Uint8Array>({
      transform(chunk, controller) {
        left -= chunk.byteLength
        if (left < 0) controller.error(new TypeError('the body is longer than any completion'))
        else controller.enqueue(chunk)
      },
    }),
  )
  const { status, statusText, headers } = response
  return new Response(bounded, { status, statusText, headers })
}

/** Such an answer cannot get longer: `fetch` ends a body that does. What is compressed may be of any length. */
function isShort(headers: Headers): boolean {
  const length = headers.get('content-length')
  return length !== null && Number(length) <= maxBodyBytes && !headers.has('content-encoding')
}
