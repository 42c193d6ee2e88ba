import { type Copy, DockerfileParser, type From, type Instruction, type JSONInstruction } from 'dockerfile-ast'

/**
 * What this project asks of its Dockerfile: base images as arguments with exact versions; programs run without a shell;
 * dependencies from the lock file, without install scripts; the last stage takes built files only and runs as a numeric user
 * that is not root; nothing secret in arguments and environment.
 *
 * @returns one line per finding
 */
export function lintDockerfile(text: string): string[] {
  const dockerfile = DockerfileParser.parse(text)
  const findings: string[] = []
  const report = (one: Instruction, what: string) => findings.push(`line ${one.getRange().start.line + 1}: ${what}`)
  const all = dockerfile.getInstructions()
  const stages = dockerfile.getFROMs()
  const last = stages.at(-1)
  const final = last ? all.slice(all.indexOf(last) + 1) : []
  const defaults = new Map(
    dockerfile.getInitialARGs().map((one) => [one.getProperty()?.getName() ?? '', one.getProperty()?.getValue() ?? '']),
  )
  for (const one of stages) checkBase(one, defaults, stages, report)
  for (const one of all) {
    const keyword = one.getKeyword()
    if (['RUN', 'CMD', 'ENTRYPOINT'].includes(keyword) && !(one as JSONInstruction).getOpeningBracket()) {
      report(one, `${keyword} needs a shell: write it as a JSON list`)
    }
    if (keyword === 'HEALTHCHECK' && !/CMD\s*\[/.test(one.getArgumentsContent() ?? ''))
      report(one, 'the health command needs a shell')
    if (keyword === 'ADD') report(one, 'ADD fetches and unpacks: use COPY')
    if (keyword === 'RUN' && /"npm"/.test(one.getArgumentsContent() ?? '')) checkNpm(one, report)
    if (/^(ARG|ENV)$/.test(keyword) && /(KEY|SECRET|PASSWORD|TOKEN)\w*=/i.test(one.getArgumentsContent() ?? '')) {
      report(one, 'a secret stays in the image')
    }
  }
  checkFinal(final, (what) => last && report(last, what))
  return findings
}

type Report = (one: Instruction, what: string) => void

function checkBase(one: From, defaults: Map<string, string>, stages: From[], report: Report) {
  const image = one.getImage() ?? ''
  if (stages.some((stage) => stage.getBuildStage() === image)) return
  const argument = /^\$\{(\w+)\}$/.exec(image)?.[1]
  const value = defaults.get(argument ?? '')
  if (value === undefined) return report(one, `${image} is not a build argument with a default`)
  const tag = /:([^:/@]+)$/.exec(value)?.[1] ?? ''
  if (!/\d/.test(tag) && !/\d+:nonroot$/.test(value)) report(one, `${value} names no version`)
}

function checkNpm(one: Instruction, report: Report): void {
  const words = one.getArgumentsContent() ?? ''
  if (!words.includes('"ci"')) report(one, 'npm ci alone keeps to the lock file')
  if (!words.includes('"--ignore-scripts"')) report(one, "npm runs other people's scripts: --ignore-scripts")
}

function checkFinal(final: Instruction[], report: (what: string) => void): void {
  const find = (keyword: string) => final.findLast((one) => one.getKeyword() === keyword)?.getArgumentsContent() ?? ''
  if (!/^[1-9]\d*:[1-9]\d*$/.test(find('USER'))) report('the last stage runs as root, or its user is a name')
  if (!find('ENTRYPOINT').startsWith('["node", "/app/')) report('the worker is not process 1')
  if (!find('HEALTHCHECK')) report('the last stage has no health command')
  if (!/SIGTERM/.test(find('STOPSIGNAL'))) report('the last stage does not stop by SIGTERM')
  for (const name of ['title', 'licenses', 'version', 'revision', 'created']) {
    if (!find('LABEL').includes(`org.opencontainers.image.${name}=`)) report(`the label ${name} is missing`)
  }
  if (final.some((one) => one.getKeyword() === 'RUN')) report('the last stage runs a program: its base may have none')
  const copies = final.filter((one) => one.getKeyword() === 'COPY') as Copy[]
  const taken = copies.map((one) => `${one.getFromFlag()?.getValue()}:${one.getArgumentsContent()}`)
  if (taken.join('\n') !== 'build:/src/dist/ ./') report('the last stage holds more than the built files')
}
