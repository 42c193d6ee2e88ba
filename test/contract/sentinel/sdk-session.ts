/** Run by sdk.test.ts as a process of its own: NODE_EXTRA_CA_CERTS is read at start. Prints what it saw as JSON. */
import { SecurityInsights } from '@azure/arm-securityinsight'
import { ManagedIdentityCredential } from '@azure/identity'

const [endpoint = '', subscription = '', group = '', workspace = '', incident = ''] = process.argv.slice(2)
const client = new SecurityInsights(new ManagedIdentityCredential(), subscription, {
  endpoint,
  apiVersion: '2025-09-01',
  credentialScopes: ['https://management.azure.com/.default'],
})

const {
  etag,
  title = '',
  severity = 'Low',
  status = 'New',
  labels = [],
  ...rest
} = await client.incidents.get(group, workspace, incident)
const { id: _id, name: _name, type: _type, systemData: _systemData, ...writable } = rest
const properties = { ...writable, title, severity, status, labels: [...labels, { labelName: 'from-sdk' }] }
const written = await client.incidents.createOrUpdate(group, workspace, incident, { ...properties, etag })
const stale = await client.incidents
  .createOrUpdate(group, workspace, incident, { ...properties, etag })
  .then(() => undefined)
  .catch((error: { statusCode?: number; code?: string }) => [error.statusCode, error.code])
const listed: (string | undefined)[] = []
for await (const one of client.incidents.list(group, workspace, { top: 2, filter: "properties/status ne 'Closed'" })) {
  listed.push(one.name)
}
const alerts = await client.incidents.listAlerts(group, workspace, incident)
const entities = await client.incidents.listEntities(group, workspace, incident)
const comment = await client.incidentComments.createOrUpdate(group, workspace, incident, 'c1', {
  message: 'From the SDK.',
})

console.log(
  JSON.stringify({
    title,
    etagMoved: written.etag !== etag,
    labels: written.labels,
    stale,
    listed,
    alerts: alerts.value.length,
    entities: entities.entities?.length,
    comment: comment.message,
  }),
)
