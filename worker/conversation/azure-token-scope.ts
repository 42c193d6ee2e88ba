/** The clouds other than the public one: by the domain of their services, and by that of their Resource Manager. */
const sovereignClouds = [
  {
    services: '.azure.us',
    resourceManager: '.usgovcloudapi.net',
    scope: 'https://cognitiveservices.azure.us/.default',
  },
  { services: '.azure.cn', resourceManager: '.chinacloudapi.cn', scope: 'https://cognitiveservices.azure.cn/.default' },
] as const

/** What Azure OpenAI's v1 API is asked with in the public cloud. */
const publicScope = 'https://ai.azure.com/.default'

/**
 * The scope of the identity's token for an Azure OpenAI endpoint: the endpoint's own domain says which cloud it is in; a name
 * that is nobody's (a gateway's) is taken to be in the cloud of Resource Manager. A wrong audience is a 401, which names the
 * right ones (openai/openai-go#534 for Azure Government).
 */
export function azureTokenScope(endpoint: string | undefined, resourceManagerUrl: string): string {
  const host = endpoint ? new URL(endpoint).hostname : ''
  if (host.endsWith('.azure.com')) return publicScope
  const resourceManager = new URL(resourceManagerUrl).hostname
  const cloud =
    sovereignClouds.find((one) => host.endsWith(one.services)) ??
    sovereignClouds.find((one) => resourceManager.endsWith(one.resourceManager))
  return cloud?.scope ?? publicScope
}
