import { once } from 'node:events'
import type { IncomingHttpHeaders } from 'node:http'
import { Agent, request } from 'node:https'
import { text } from 'node:stream/consumers'
import type { TestContext } from 'node:test'
import { createLocalCertificate } from '../../../deploy/local/certificate.ts'
import type { SeedIncident } from '../../../deploy/local/sentinel/seed-incident.ts'
import { type SentinelOptions, type SentinelServer, startSentinel } from '../../../deploy/local/sentinel/server.ts'
import { europeWorkspace } from '../../../deploy/local/sentinel/workspaces.ts'

/** What answers hold, all of them taken together: a test fails where it reads what is not there. */
export interface AnswerBody {
  id: string
  name: string
  etag: string
  type: string
  kind: string
  properties: {
    title: string
    description?: string
    severity: string
    status: string
    owner: Record<string, string | null>
    labels: { labelName: string; labelType: string }[]
    createdTimeUtc: string
    lastModifiedTimeUtc: string
    firstActivityTimeUtc?: string
    lastActivityTimeUtc?: string
    incidentNumber: number
    providerName: string
    additionalData: { commentsCount: number; tactics: string[]; techniques: string[] }
    message: string
  }
  value: AnswerBody[]
  nextLink?: string
  entities: AnswerBody[]
  metaData: { entityKind: string; count: number }[]
  error: { code: string; message: string }
}

export interface Answer {
  status: number
  headers: IncomingHttpHeaders
  body: AnswerBody
}

export interface ArmClient {
  sentinel: SentinelServer
  certificateFile: string
  /** `path` may have a query; the api-version is added unless it is there. */
  call(method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<Answer>
}

export const exampleSeed: SeedIncident = {
  workspace: europeWorkspace,
  id: '0f000000-7e57-4000-8000-000000000001',
  title: 'An incident to write on',
  description: 'It has a description that nobody may lose.',
  severity: 'Medium',
  tactics: ['Execution'],
  techniques: ['T1059'],
  labels: ['by-hand', { labelName: 'by-rule', labelType: 'AutoAssigned' }],
  owner: {
    objectId: '6d1f0b52-97ae-4c55-8f0e-2b4a9e7d1c01',
    email: 'mara.lindqvist@nordwerk.example',
    assignedTo: 'Mara Lindqvist',
  },
}
export const scope = `${europeWorkspace.armId}/providers/Microsoft.SecurityInsights`
export const incidentPath = `${scope}/Incidents/${exampleSeed.id}`

/** A server of the test's own, with one incident unless it says otherwise, closed when the test ends. */
export async function startForTest(
  context: TestContext,
  options: Omit<Partial<SentinelOptions>, 'certificate'> = {},
): Promise<ArmClient> {
  const certificate = await createLocalCertificate()
  const sentinel = await startSentinel({ seeds: [exampleSeed], throttle: false, ...options, certificate })
  const agent = new Agent({ ca: certificate.cert, keepAlive: true, maxSockets: 32 })
  context.after(async () => {
    agent.destroy()
    await sentinel.close()
    certificate.dispose()
  })
  return {
    sentinel,
    certificateFile: certificate.file,
    async call(method, path, body, headers = {}) {
      const address = new URL(path, sentinel.url)
      if (!address.searchParams.has('api-version')) address.searchParams.set('api-version', '2025-09-01')
      const sent = body === undefined ? undefined : typeof body === 'string' ? body : JSON.stringify(body)
      const outgoing = request(address, {
        method,
        agent,
        headers: {
          authorization: 'Bearer test-token',
          ...(sent !== undefined && { 'content-type': 'application/json' }),
          ...headers,
        },
      })
      outgoing.end(sent)
      const [response] = await once(outgoing, 'response')
      const answer = await text(response)
      return {
        status: response.statusCode,
        headers: response.headers,
        body: answer === '' ? undefined : JSON.parse(answer),
      }
    },
  }
}
