import { readFileSync } from 'node:fs'

/** What is published of one property: `string`, `int`, `bool`, `any`, a named type, `A | B | string`, each with `[]` behind it. */
export interface PropertyType {
  type: string
  required?: true
  readOnly?: true
}

export type TypeTable = Record<
  string,
  {
    properties: Record<string, PropertyType>
    /** The type of every other property, where there may be some. */
    additional?: string
    /** The property whose value chooses among `variants`. */
    discriminator?: string
    variants?: Record<string, Record<string, PropertyType>>
  }
>

export interface ResourceType {
  properties: Record<string, PropertyType>
  types: TypeTable
}

const fixture = (name: string) =>
  new Map(
    Object.entries(
      JSON.parse(readFileSync(new URL(`../../fixtures/${name}`, import.meta.url), 'utf8')) as Record<
        string,
        ResourceType
      >,
    ),
  )

/** What Azure publishes, by `Type@version`, as a resource declaration names it. */
export const published: ReadonlyMap<string, ResourceType> = fixture('bicep-types.json')
/** Written by hand, where no published data could be had: deploy/README.md says what it was compared with. */
export const writtenByHand: ReadonlyMap<string, ResourceType> = fixture('bicep-types-insights.json')

/** Both. */
export const resourceTypes: ReadonlyMap<string, ResourceType> = new Map([...published, ...writtenByHand])
