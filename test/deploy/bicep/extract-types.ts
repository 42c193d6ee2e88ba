/**
 * Makes test/fixtures/bicep-types.json: what Azure publishes of the resource types that deploy/azure uses. Run by hand, when a
 * type or a version is added:
 *
 *   npm pack @azure/mcp-linux-x64@2.0.5 && tar xzf azure-mcp-linux-x64-2.0.5.tgz
 *   node test/deploy/bicep/extract-types.ts package/dist/azmcp Microsoft.App/containerApps Microsoft.App/jobs …
 *
 * The package's program holds the types (MIT) and needs no network; it has none of microsoft.insights' alerts and settings,
 * which bicep-types-insights.json describes by hand, after the REST API's descriptions.
 */
import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import type { PropertyType, ResourceType, TypeTable } from './resource-types.ts'

interface RawProperty {
  name: string
  type: string
  flags?: string
}
interface RawType {
  $type: string
  name: string
  properties?: RawProperty[]
  additionalPropertiesType?: string
  baseProperties?: RawProperty[]
  discriminator?: string
  elements?: RawType[]
  bodyType?: { properties: RawProperty[] }
}

const [azmcp = '', ...types] = process.argv.slice(2)
const table: Record<string, ResourceType> = {}
for (const type of types) {
  const output = execFileSync(azmcp, ['bicepschema', 'get', '--resource-type', type], {
    encoding: 'utf8',
    stdio: 'pipe',
  })
  const raw = (JSON.parse(output) as { results: { BicepSchemaResult: RawType[] } }).results.BicepSchemaResult
  const resource = raw.find((one) => one.$type === 'Resource')
  if (!resource?.bodyType) throw new Error(`${type} is not in this package`)
  const resourceType: ResourceType = { properties: properties(resource.bodyType.properties), types: {} }
  reach(resourceType.properties, new Map(raw.map((one) => [one.name, one])), resourceType.types)
  table[resource.name] = resourceType
}
writeFileSync('test/fixtures/bicep-types.json', `${JSON.stringify(table)}\n`)

/** Keeps the types that a body can contain, and drops what only answers contain. */
function reach(from: Record<string, PropertyType>, all: Map<string, RawType>, into: TypeTable): void {
  for (const { type, readOnly } of Object.values(from)) {
    const name = type.replace(/(\[\])+$/, '')
    const raw = all.get(name)
    if (readOnly || !raw || name in into) continue
    const kept = {
      properties: properties(raw.properties ?? raw.baseProperties ?? []),
      ...(raw.additionalPropertiesType === undefined ? {} : { additional: raw.additionalPropertiesType }),
      ...(raw.discriminator === undefined ? {} : { discriminator: raw.discriminator, variants: variants(raw) }),
    }
    into[name] = kept
    reach(kept.properties, all, into)
    if (kept.additional) reach({ each: { type: kept.additional } }, all, into)
    for (const variant of Object.values(kept.variants ?? {})) reach(variant, all, into)
  }
}

function variants(raw: RawType): Record<string, Record<string, PropertyType>> {
  const ofElement = (element: RawType) => {
    const own = properties(element.properties ?? [])
    return [own[raw.discriminator ?? '']?.type ?? '', own] as const
  }
  return Object.fromEntries((raw.elements ?? []).map(ofElement))
}

function properties(list: RawProperty[]): Record<string, PropertyType> {
  return Object.fromEntries(
    list.map(({ name, type, flags = '' }) => [
      name,
      {
        type,
        ...(flags.includes('Required') ? { required: true } : {}),
        ...(flags.includes('ReadOnly') ? { readOnly: true } : {}),
      },
    ]),
  )
}
