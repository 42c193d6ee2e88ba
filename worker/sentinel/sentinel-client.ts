import { SecurityInsights } from '@azure/arm-securityinsight'
import { createHttpHeaders, createPipelineRequest } from '@azure/core-rest-pipeline'
import type { TokenCredential } from '@azure/identity'
import * as z from 'zod'
import { type IncidentRef, type WorkspaceRef, workspaceArmId } from '../../shared/arm-id.ts'
import { Failure } from '../../shared/failure.ts'
import type { CallDependency } from '../recovery/immediate-retry.ts'
import { type ArmAnswer, classifyArmAnswer, classifyArmError } from './classify-arm-error.ts'
import {
  type Alert,
  alertsSchema,
  type Entity,
  entitiesSchema,
  type Incident,
  incidentPageSchema,
  incidentSchema,
  type ListedIncident,
  taskListSchema,
} from './incident.ts'
import { maxAlerts, maxEntities } from './incident-context.ts'
import type { WritePacer } from './write-pacer.ts'

export const sentinelApiVersion = '2025-09-01'

/** What the worker does with Sentinel: each call with immediate retries, classified failures, and the writes paced. */
export interface SentinelClient {
  /** @throws Failure IncidentNotFound, access-denied, throttled, outage */
  getIncident(ref: IncidentRef, signal: AbortSignal): Promise<Incident>
  /** Replaces the incident: what the body does not have is lost. `conflict` when its etag is stale. */
  putIncident(ref: IncidentRef, body: Record<string, unknown>, signal: AbortSignal): Promise<'written' | 'conflict'>
  /** The ids of all tasks, lower case, over all pages. */
  listTaskIds(ref: IncidentRef, signal: AbortSignal): Promise<Set<string>>
  /** Writes a task with status New unless it exists. */
  createTask(
    ref: IncidentRef,
    task: { id: string; title: string; description: string },
    signal: AbortSignal,
  ): Promise<void>
  /** Writes a comment unless it exists. */
  createComment(ref: IncidentRef, comment: { id: string; message: string }, signal: AbortSignal): Promise<void>
  listAlerts(ref: IncidentRef, signal: AbortSignal): Promise<Alert[]>
  listEntities(ref: IncidentRef, signal: AbortSignal): Promise<Entity[]>
  /** One page of a workspace's incidents, in order of their creation; `next` is the page before's. */
  listIncidents(
    workspace: WorkspaceRef,
    query: { filter: string; pageSize: number; next?: string },
    signal: AbortSignal,
  ): Promise<{ items: ListedIncident[]; next: string | undefined }>
  /** Removes a task; one that is not there is removed already. */
  deleteTask(ref: IncidentRef, taskId: string, signal: AbortSignal): Promise<void>
}

/** Whose circuit and write allowance a call uses. */
type Scope = Pick<IncidentRef, 'subscriptionId'>

type Method = 'GET' | 'PUT' | 'POST' | 'DELETE'

/** ARM's slowest answers take seconds; a call without an answer after this long failed. */
const requestTimeoutMs = 30_000
/** An incident has at most 100 tasks and 150 alerts; a list that never ends is broken. */
const maxPages = 50

/**
 * The client of Sentinel's incident API. It sends raw JSON through the SDK's pipeline (its identity, its request ids): the
 * SDK's incident model truncates times and drops members that it does not know, and it has no task operations.
 */
export function createSentinelClient(parts: {
  credential: TokenCredential
  resourceManagerUrl: string
  pacer: WritePacer
  call: CallDependency
}): SentinelClient {
  const { resourceManagerUrl, pacer, call } = parts
  const origin = new URL(resourceManagerUrl).origin
  // The subscription in the constructor is only for operations that this client does not use.
  const arm = new SecurityInsights(parts.credential, 'unused', {
    endpoint: resourceManagerUrl,
    credentialScopes: `${resourceManagerUrl}/.default`,
    apiVersion: sentinelApiVersion,
    retryOptions: { maxRetries: 0 },
  })
  // Redirects would carry the token to another host, and the SDK's own retries sleep as long as ARM says, past any lock.
  arm.pipeline.removePolicy({ name: 'redirectPolicy' })
  arm.pipeline.removePolicy({ name: 'defaultRetryPolicy' })

  async function send(
    method: Method,
    url: string,
    ref: Scope,
    signal: AbortSignal,
    what: string,
    body?: unknown,
  ): Promise<ArmAnswer & { body: unknown }> {
    if (new URL(url).origin !== origin) {
      throw new Failure(`ARM answered ${what} with a link to another host, which the worker never follows.`, {
        kind: 'unexpected',
        dependency: 'sentinel',
        code: 'ForeignLink',
      })
    }
    if (method !== 'GET') await pacer.turn(ref.subscriptionId, signal)
    const request = createPipelineRequest({
      url,
      method,
      timeout: requestTimeoutMs,
      abortSignal: signal,
      headers: createHttpHeaders(body === undefined ? {} : { 'content-type': 'application/json; charset=utf-8' }),
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    const response = await arm.sendRequest(request).catch((error: unknown) => {
      throw classifyArmError(error, what)
    })
    const parsed = parseJson(response.bodyAsText)
    const code = errorSchema.safeParse(parsed).data?.error.code ?? `HTTP_${response.status}`
    const answer = { status: response.status, code, header: (name: string) => response.headers.get(name), body: parsed }
    if (response.status === 429) pacerBlock(answer, ref, method)
    return answer
  }

  function pacerBlock(answer: ArmAnswer, ref: Scope, method: Method): void {
    const failure = classifyArmAnswer(answer, '')
    if (method !== 'GET' && failure.retryAfterMs !== undefined) pacer.block(ref.subscriptionId, failure.retryAfterMs)
  }

  /** One call with its immediate retries; statuses in `expected` come back, all others are thrown as failures. */
  function request<T>(
    ref: Scope,
    signal: AbortSignal,
    what: string,
    operation: (retry: number, once: typeof send) => Promise<T>,
  ): Promise<T> {
    const circuit = `sentinel:${ref.subscriptionId.toLowerCase()}` as const
    return call({ circuit, dependency: 'sentinel', signal }, (retry) => operation(retry, send)).catch(
      (error: unknown) => {
        throw classifyArmError(error, what)
      },
    )
  }

  const url = (ref: IncidentRef, rest = '') =>
    `${resourceManagerUrl}${encodePath(ref.armId)}${rest}?api-version=${sentinelApiVersion}`

  async function list<T>(
    method: Method,
    ref: IncidentRef,
    rest: string,
    signal: AbortSignal,
    what: string,
    schema: z.ZodType<{ items: T[]; nextLink?: string | null | undefined }>,
    most = Number.POSITIVE_INFINITY,
  ): Promise<T[]> {
    const items: T[] = []
    let next: string | undefined = url(ref, rest)
    for (let page = 0; next !== undefined && page < maxPages && items.length < most; page++) {
      const address: string = next
      const answer = await request(ref, signal, what, async (_, once) => {
        const one = await once(method, address, ref, signal, what)
        if (one.status !== 200) throw classifyArmAnswer(one, what)
        return readAs(schema, one.body, what)
      })
      items.push(...answer.items)
      next = answer.nextLink || undefined
    }
    return items
  }

  /** Creates something under a deterministic id, once: a retry first looks whether the lost answer was a success. */
  async function createOnce(
    ref: IncidentRef,
    rest: string,
    body: unknown,
    signal: AbortSignal,
    what: string,
    look: boolean,
  ): Promise<void> {
    await request(ref, signal, what, async (retry, once) => {
      if (retry > 0 || look) {
        const existing = await once('GET', url(ref, rest), ref, signal, what)
        if (existing.status === 200) return
        if (existing.status !== 404) throw classifyArmAnswer(existing, what)
      }
      const answer = await once('PUT', url(ref, rest), ref, signal, what, body)
      if (answer.status !== 200 && answer.status !== 201) throw classifyArmAnswer(answer, what)
    })
  }

  return {
    getIncident: (ref, signal) =>
      request(ref, signal, 'reading the incident', async (_, once) => {
        const answer = await once('GET', url(ref), ref, signal, 'reading the incident')
        if (answer.status !== 200) throw classifyArmAnswer(answer, 'reading the incident')
        return readAs(incidentSchema, answer.body, 'reading the incident')
      }),

    putIncident: (ref, body, signal) =>
      request(ref, signal, "writing the incident's tag", async (_, once) => {
        const answer = await once('PUT', url(ref), ref, signal, "writing the incident's tag", body)
        // 409 "Newer version of resource exists", or 412 where a version answers with the HTTP standard's own.
        if (answer.status === 409 || answer.status === 412) return 'conflict' as const
        if (answer.status !== 200 && answer.status !== 201)
          throw classifyArmAnswer(answer, "writing the incident's tag")
        return 'written' as const
      }),

    listTaskIds: async (ref, signal) => {
      const ids = await list('GET', ref, '/tasks', signal, "listing the incident's tasks", taskListSchema)
      return new Set(ids.map((id) => id.toLowerCase()))
    },

    createTask: (ref, task, signal) => {
      const properties = { title: task.title, description: task.description, status: 'New' }
      return createOnce(ref, `/tasks/${task.id}`, { properties }, signal, 'writing a task', false)
    },

    createComment: (ref, comment, signal) => {
      const properties = { message: comment.message }
      return createOnce(ref, `/comments/${comment.id}`, { properties }, signal, 'writing a comment', true)
    },

    listAlerts: (ref, signal) =>
      list('POST', ref, '/alerts', signal, "listing the incident's alerts", alertsSchema, maxAlerts),
    listEntities: (ref, signal) =>
      list('POST', ref, '/entities', signal, "listing the incident's entities", entitiesSchema, maxEntities),

    listIncidents: async (workspace, { filter, pageSize, next }, signal) => {
      const what = "listing the workspace's incidents"
      const query = new URLSearchParams({
        'api-version': sentinelApiVersion,
        $filter: filter,
        $orderby: 'properties/createdTimeUtc asc',
        $top: String(pageSize),
      })
      const path = `${encodePath(workspaceArmId(workspace))}/providers/Microsoft.SecurityInsights/incidents`
      const address = next ?? `${resourceManagerUrl}${path}?${query}`
      return await request(workspace, signal, what, async (_, once) => {
        const answer = await once('GET', address, workspace, signal, what)
        if (answer.status !== 200) throw classifyArmAnswer(answer, what)
        const page = readAs(incidentPageSchema, answer.body, what)
        return { items: page.value, next: page.nextLink || undefined }
      })
    },

    deleteTask: (ref, taskId, signal) =>
      request(ref, signal, 'deleting a task', async (_, once) => {
        const answer = await once('DELETE', url(ref, `/tasks/${taskId}`), ref, signal, 'deleting a task')
        if (answer.status !== 200 && answer.status !== 204) throw classifyArmAnswer(answer, 'deleting a task')
      }),
  }
}

const errorSchema = z.object({ error: z.object({ code: z.string().regex(/^[\w.-]{1,64}$/) }) })

function parseJson(text: string | null | undefined): unknown {
  if (!text) return undefined
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function readAs<T>(schema: z.ZodType<T>, body: unknown, what: string): T {
  const parsed = schema.safeParse(body)
  if (parsed.success) return parsed.data
  const where = parsed.error.issues[0]?.path.join('.') || 'its body'
  throw new Failure(`ARM answered ${what} with something that is not ${sentinelApiVersion} (${where}).`, {
    kind: 'unexpected',
    dependency: 'sentinel',
    code: 'UnexpectedAnswer',
    retryNow: true,
  })
}

/** ARM ids may hold letters beyond ASCII in a resource group's name. */
function encodePath(armId: string): string {
  return armId.split('/').map(encodeURIComponent).join('/')
}
