import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { runInThisContext } from 'node:vm'

interface Diagnostic {
  Severity: string
  Code: string
  Message: string
}
/** The little of Microsoft's compiled C# that is used here; its `$ctor` names are the overloads. */
interface KustoLanguage {
  Symbols: {
    TableSymbol: { $ctor7: new (name: string, schema: string, description: null) => object }
    DatabaseSymbol: { ctor: new (name: string, members: object[]) => object }
  }
  GlobalState: { Default: { WithDatabase(database: object): object } }
  KustoCode: { ParseAndAnalyze(query: string, state: object): { GetDiagnostics(): unknown } }
  Diagnostic: object
}
interface Globals {
  Kusto: { Language: KustoLanguage }
  System: {
    Array: { getCount(list: unknown, of: object): number; getItem(list: unknown, at: number, of: object): Diagnostic }
  }
}

// The package is made for browsers: two scripts that put what they define into the global object.
const require = createRequire(import.meta.url)
for (const script of ['bridge.min.js', 'Kusto.Language.Bridge.min.js']) {
  const file = require.resolve(`@kusto/language-service-next/${script}`)
  runInThisContext(readFileSync(file, 'utf8'), file)
}
const { Kusto, System } = globalThis as unknown as Globals
const { Language } = Kusto

/** The columns of ContainerAppConsoleLogs that matter here (Azure Monitor's table reference). */
const schema = `(TimeGenerated: datetime, Log: string, Stream: string, ContainerAppName: string, ContainerName: string,
  ContainerGroupName: string, RevisionName: string, JobName: string)`
const table = new Language.Symbols.TableSymbol.$ctor7('ContainerAppConsoleLogs', schema, null)
const logs = Language.GlobalState.Default.WithDatabase(new Language.Symbols.DatabaseSymbol.ctor('logs', [table]))

/** What Microsoft's own parser and analyser of Kusto queries says of a query on the container logs, one line per finding. */
export function analyseKql(query: string): string[] {
  const diagnostics = Language.KustoCode.ParseAndAnalyze(query, logs).GetDiagnostics()
  const count = System.Array.getCount(diagnostics, Language.Diagnostic)
  return Array.from({ length: count }, (_, at) => {
    const { Severity, Code, Message } = System.Array.getItem(diagnostics, at, Language.Diagnostic)
    return `${Severity} ${Code}: ${Message}`
  })
}
