import { spawn } from 'node:child_process'
import { chmod, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import type { Cleanup } from './child.js'
import { type Block, blocksOf, type Command, commandsOf, isAsShown } from './document.js'
import { PATIENCE_MS } from './patience.js'
import { TerminalWindow } from './terminal.js'

const LOOK_MS = 50
const COLUMNS = 110

/** Files of the checkout that the working directory gets, so that commands run as in a checkout. */
const CHECKOUT = ['package.json', 'bin', 'dist', 'node_modules', 'src', 'examples', 'Procfile']

/** Runs the blocks of one document in a directory of their own, with private data. */
export class DocumentRun {
  readonly #file: string
  readonly #directory: string
  readonly #cleanup: Cleanup
  readonly #terminals = new Map<string, TerminalWindow>()
  readonly #environment: Readonly<Record<string, string>>

  private constructor(file: string, directory: string, cleanup: Cleanup) {
    this.#file = file
    this.#directory = directory
    this.#cleanup = cleanup
    const home = path.join(directory, 'home')
    this.#environment = {
      HOME: home,
      XDG_STATE_HOME: path.join(home, 'state'),
      XDG_DATA_HOME: path.join(home, 'share'),
      XDG_CONFIG_HOME: path.join(home, 'config'),
      XDG_RUNTIME_DIR: path.join(home, 'run'),
      PATH: [path.join(home, 'bin'), path.dirname(process.execPath), process.env['PATH']].join(path.delimiter),
      LANG: 'C.UTF-8',
      TZ: 'UTC',
    }
  }

  static async open(file: string, cleanup: Cleanup): Promise<DocumentRun> {
    const directory = await mkdtemp(path.join(tmpdir(), 'document-'))
    cleanup.after(() => rm(directory, { recursive: true, force: true, maxRetries: 5 }))
    const run = new DocumentRun(file, directory, cleanup)
    await run.#prepare()
    return run
  }

  /** Runs all blocks. Throws at the first one whose result differs from the document. */
  async all(text: string): Promise<void> {
    for (const block of blocksOf(text)) await this.#block(block)
  }

  async #prepare(): Promise<void> {
    const bin = path.join(this.#directory, 'home', 'bin')
    await mkdir(bin, { recursive: true })
    await mkdir(path.join(this.#directory, 'home', 'run'), { mode: 0o700 })
    for (const name of CHECKOUT) await symlink(path.resolve(name), path.join(this.#directory, name))
    const program = path.resolve('bin/persisted-chat.js')
    await this.#script(path.join(bin, 'persisted-chat'), `exec node ${program} "$@"`)
    // A replacement: the real npx takes a second to find the local package.
    await this.#script(path.join(bin, 'npx'), `[ "$1" = persisted-chat ] || exit 127\nshift\nexec node ${program} "$@"`)
  }

  async #script(file: string, text: string): Promise<void> {
    await writeFile(file, `#!/bin/sh\n${text}\n`)
    await chmod(file, 0o755)
  }

  async #block(block: Block): Promise<void> {
    const { directives, language, lines } = block
    if (directives.notRun !== undefined) return
    if (directives.saveAs !== undefined)
      return writeFile(path.join(this.#directory, directives.saveAs), `${lines.join('\n')}\n`)
    if (directives.terminal !== undefined) return this.#terminal(block, directives.terminal)
    if (language !== 'sh' && language !== 'console') return
    for (const command of commandsOf(block)) await this.#command(command, block)
  }

  async #command({ line, command, output }: Command, { directives }: Block): Promise<void> {
    const end = Date.now() + PATIENCE_MS
    for (;;) {
      const { code, lines } = await this.#shell(command)
      const isGood = code === Number(directives.exit ?? 0) && (output === undefined || isAsShown(output, lines))
      if (isGood) return
      if (directives.repeat === undefined || Date.now() > end)
        throw this.#fault(line, `\`${command}\` ended with ${code} and printed`, lines, output)
      await pause(LOOK_MS)
    }
  }

  /** Runs a command with stdout and stderr merged, as on a terminal. */
  #shell(command: string): Promise<{ code: number | null; lines: string[] }> {
    return new Promise((resolve, reject) => {
      const shell = spawn('bash', ['-c', `exec 2>&1\nset -o pipefail\n${command}`], {
        cwd: this.#directory,
        env: { ...withoutOwnState(), ...this.#environment },
        stdio: ['ignore', 'pipe', 'inherit'],
        timeout: PATIENCE_MS,
      })
      const chunks: Buffer[] = []
      shell.stdout.on('data', chunk => chunks.push(chunk))
      shell.once('error', reject)
      shell.once('close', code => resolve({ code, lines: Buffer.concat(chunks).toString().split('\n') }))
    })
  }

  async #terminal(block: Block, name: string): Promise<void> {
    const [first] = block.language === '' ? [] : commandsOf(block)
    if (first !== undefined) await this.#openTerminal(name, first.command)
    const window = this.#terminals.get(name)
    if (window === undefined) throw this.#fault(block.line, `no terminal ${name} is open`, [], undefined)
    for (const { see, text, key } of block.directives.input) {
      if (see !== undefined) await window.waitFor(see)
      if (text !== undefined) await window.enter(text)
      if (key !== undefined) await window.press(key)
    }
    const shown = first === undefined ? block.lines : first.output
    if (block.language === '' || shown === undefined) return
    let rows: string[] = []
    const end = Date.now() + PATIENCE_MS
    do {
      rows = (await window.scrollback()).filter(row => !row.startsWith('Pane is dead'))
      if (isAsShown(shown, rows)) return
      if ((await window.property('pane_dead')) === '1') break
      await pause(LOOK_MS)
    } while (Date.now() < end)
    throw this.#fault(block.line, `the terminal ${name} shows`, rows, shown)
  }

  async #openTerminal(name: string, command: string): Promise<void> {
    const variables = Object.entries(this.#environment).map(([variable, value]) => `export ${variable}='${value}'`)
    const script = [...variables, `cd '${this.#directory}'`, command].join('\n')
    const window = await TerminalWindow.open(this.#cleanup, ['bash', '-c', script], { columns: COLUMNS, rows: 40 })
    this.#terminals.set(name, window)
  }

  #fault(line: number, what: string, actual: readonly string[], shown: readonly string[] | undefined): Error {
    const expected = shown === undefined ? '' : `\n--- but the document says:\n${shown.join('\n')}`
    return new Error(`${this.#file}:${line}: ${what}:\n${actual.join('\n')}${expected}`)
  }
}

function withoutOwnState(): NodeJS.ProcessEnv {
  const { PERSISTED_CHAT_DATA: _, NODE_TEST_CONTEXT: __, ...rest } = process.env
  return rest
}
