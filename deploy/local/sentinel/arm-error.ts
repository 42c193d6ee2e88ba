import type { ArmPath } from './arm-path.ts'
import type { Caller } from './caller.ts'

/** A refusal, answered as `{error: {code, message}}`. */
export class ArmError extends Error {
  readonly status: number
  readonly code: string
  readonly headers: Record<string, string>

  constructor(status: number, code: string, message: string, headers: Record<string, string> = {}) {
    super(message)
    this.status = status
    this.code = code
    this.headers = headers
  }
}

export function badRequest(message: string): ArmError {
  return new ArmError(400, 'BadRequest', message)
}

/** The wording is the one users of the real service quote (Azure-Sentinel issues 883, 909 and 13491). */
export function staleEtag(incident: string): ArmError {
  return new ArmError(409, 'Conflict', `Newer version of resource '${incident}' exists. Data was not saved`)
}

/** Assumed wording; the status and the code are ARM's. */
export function resourceMissing(kind: string, name: string): ArmError {
  return new ArmError(404, 'NotFound', `${kind} '${name}' was not found.`)
}

export function workspaceMissing({ resourceGroup, workspace }: ArmPath): ArmError {
  return new ArmError(
    404,
    'ResourceNotFound',
    `The Resource 'Microsoft.OperationalInsights/workspaces/${workspace}' under resource group '${resourceGroup}' was not found. For more details please go to https://aka.ms/ARMResourceNotFoundFix`,
  )
}

/** ARM names the principal, the action and the scope: whoever reads a dead letter can see which role is missing. */
export function authorizationFailed(method: string, path: ArmPath, pathname: string, caller: Caller): ArmError {
  return new ArmError(
    403,
    'AuthorizationFailed',
    `The client '${caller.appId}' with object id '${caller.objectId}' does not have authorization to perform action '${actionOf(method, path)}' over scope '${decodeURIComponent(pathname)}' or the scope is invalid. If access was recently granted, please refresh your credentials.`,
  )
}

function actionOf(method: string, path: ArmPath): string {
  const verb = { GET: 'read', PUT: 'write', DELETE: 'delete' }[method] ?? 'action'
  const collection = path.collection ? `/${path.collection}` : ''
  return `Microsoft.SecurityInsights/incidents${collection}/${verb}`
}

export function authenticationFailed(code: string, message: string): ArmError {
  const tenant = 'https://login.microsoftonline.com/00000000-0000-0000-0000-000000000000'
  return new ArmError(401, code, message, {
    'WWW-Authenticate': `Bearer authorization_uri="${tenant}", error="invalid_token", error_description="${message}"`,
  })
}

export function tooManyRequests(
  kind: string,
  subscriptionId: string,
  objectId: string,
  retryAfterSeconds: number,
): ArmError {
  return new ArmError(
    429,
    'SubscriptionRequestsThrottled',
    `Number of '${kind}' requests for subscription '${subscriptionId}' actor '${objectId}' exceeded. Please try again after '${retryAfterSeconds}' seconds after additional tokens are available. Refer to https://aka.ms/arm-throttling for additional information.`,
    { 'Retry-After': String(retryAfterSeconds), [`x-ms-ratelimit-remaining-subscription-${kind}s`]: '0' },
  )
}
