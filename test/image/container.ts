import { type ChildProcess, spawn } from 'node:child_process'
import { cpSync, mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { ImageConfig } from './buildah.ts'

const launch = `
mount --bind "$ROOT" "$ROOT"
mount --bind /dev "$ROOT/dev"
mount -t proc proc "$ROOT/proc"
mount -o remount,bind,ro "$ROOT"
exec setpriv --no-new-privs unshare --root="$ROOT" --wd="$WORKING_DIR" --setgid="\${IMAGE_USER#*:}" --setuid="\${IMAGE_USER%:*}" "$@"
`

/**
 * Runs an image's file system as a container engine with a read-only root would: as the image's user, as process 1 of its own
 * process namespace, with its environment and working folder, nothing of it writable, and no way to more privileges.
 */
export class Container {
  readonly #root: string
  readonly #config: ImageConfig

  constructor(root: string, config: ImageConfig) {
    this.#root = root
    this.#config = config
    for (const folder of ['dev', 'proc', 'mnt']) mkdirSync(join(root, folder), { recursive: true })
  }

  /** Puts a file of the machine at a path of the container, as a volume does. */
  bring(file: string, path: string): string {
    cpSync(file, join(this.#root, path))
    return path
  }

  /** Starts the image's entry point with these words in place of its command, or another program altogether. */
  start(options: { command?: string[]; program?: string[]; environment?: Record<string, string> }): ChildProcess {
    const { Entrypoint, Cmd, Env, User, WorkingDir } = this.#config
    const program = options.program ?? [...Entrypoint, ...(options.command ?? Cmd)]
    return spawn('unshare', ['--mount', '--pid', '--fork', '--kill-child', 'sh', '-euc', launch, 'sh', ...program], {
      env: {
        ...Object.fromEntries(Env.map((line) => splitOnce(line))),
        ...options.environment,
        ROOT: this.#root,
        IMAGE_USER: User,
        WORKING_DIR: WorkingDir,
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
  }

  /** The container's process 1, seen from outside; the launcher is its parent. */
  static processOne(launcher: ChildProcess): { pid: number; uid: string; insidePid: string; noNewPrivileges: string } {
    const pid = Number(readFileSync(`/proc/${launcher.pid}/task/${launcher.pid}/children`, 'utf8').trim())
    const status = readFileSync(`/proc/${pid}/status`, 'utf8')
    const field = (name: string) => new RegExp(`^${name}:\\s*(.*)$`, 'm').exec(status)?.[1]?.split(/\s+/) ?? []
    return {
      pid,
      uid: field('Uid')[0] ?? '',
      insidePid: field('NSpid').at(-1) ?? '',
      noNewPrivileges: field('NoNewPrivs')[0] ?? '',
    }
  }
}

function splitOnce(line: string): [string, string] {
  const at = line.indexOf('=')
  return [line.slice(0, at), line.slice(at + 1)]
}
