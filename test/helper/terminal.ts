import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { setTimeout as pause } from 'node:timers/promises'
import { promisify } from 'node:util'
import type { Cleanup } from './child.js'
import { PATIENCE_MS } from './patience.js'

const run = promisify(execFile)

/** Interval between polls: tmux does not report changes. */
const LOOK_MS = 40

export interface TerminalOptions {
  readonly columns?: number
  readonly rows?: number
  readonly env?: Readonly<Record<string, string>>
}

/** A real terminal (tmux) that runs a program: tests press keys and read the screen as text. */
export class TerminalWindow {
  readonly #socket: string

  private constructor(socket: string) {
    this.#socket = socket
  }

  static async open(
    cleanup: Cleanup,
    command: readonly string[],
    { columns = 80, rows = 24, env = {} }: TerminalOptions = {},
  ): Promise<TerminalWindow> {
    const window = new TerminalWindow(`persisted-chat-${randomBytes(6).toString('hex')}`)
    cleanup.after(async () => {
      await window.#tmux('kill-server').catch(() => {})
    })
    const variables = Object.entries({ LANG: 'C.UTF-8', ...env }).flatMap(([name, value]) => ['-e', `${name}=${value}`])
    await run(
      'tmux',
      // Ignores the user's settings, and keeps the window when the program exits, so that its last output can be read.
      [
        ...['-u', '-f', '/dev/null', '-L', window.#socket, 'set-option', '-g', 'remain-on-exit', 'on', ';'],
        ...['set-option', '-g', 'history-limit', '20000', ';', 'new-session', '-d', '-x', String(columns)],
        ...['-y', String(rows), ...variables, ...command],
      ],
    )
    return window
  }

  /** Presses keys, by tmux's names for them: `Enter`, `C-c`, `M-Enter`, `Tab`. */
  async press(...keys: readonly string[]): Promise<void> {
    await this.#tmux('send-keys', ...keys)
  }

  async type(text: string): Promise<void> {
    await this.#tmux('send-keys', '-l', text)
  }

  /** Types a line, and presses Enter. */
  async enter(line: string): Promise<void> {
    await this.#tmux('send-keys', '-l', line, ';', 'send-keys', 'Enter')
  }

  async paste(text: string): Promise<void> {
    await this.#tmux('set-buffer', '-b', 'pasted', text)
    await this.#tmux('paste-buffer', '-p', '-b', 'pasted')
  }

  async resize(columns: number, rows: number): Promise<void> {
    await this.#tmux('resize-window', '-x', String(columns), '-y', String(rows))
  }

  /** The rows of the screen, without trailing blanks. */
  async screen(): Promise<string[]> {
    return rowsOf((await this.#tmux('capture-pane', '-p')).stdout)
  }

  /** The screen with its scrollback. */
  async scrollback(): Promise<string[]> {
    return rowsOf((await this.#tmux('capture-pane', '-p', '-J', '-S', '-')).stdout)
  }

  /** A tmux format variable of the terminal: `pane_title`, `cursor_flag`, `alternate_on`, `pane_dead_status` … */
  async property(name: string): Promise<string> {
    return (await this.#tmux('display-message', '-p', `#{${name}}`)).stdout.trim()
  }

  /** The paste buffers: a program that sets the clipboard adds one. */
  async clipboards(): Promise<string> {
    return (await this.#tmux('list-buffers')).stdout.trim()
  }

  /** Waits until the screen matches, and resolves with its rows. */
  async waitFor(wanted: string | RegExp | ((rows: readonly string[]) => boolean)): Promise<string[]> {
    const matches = (rows: readonly string[]): boolean => {
      if (typeof wanted === 'function') return wanted(rows)
      return rows.some(row => (typeof wanted === 'string' ? row.includes(wanted) : wanted.test(row)))
    }
    const end = Date.now() + PATIENCE_MS
    for (;;) {
      const rows = await this.screen()
      if (matches(rows)) return rows
      if (Date.now() > end) throw new Error(`the screen never showed ${wanted}:\n${rows.join('\n')}`)
      await pause(LOOK_MS)
    }
  }

  /** Waits until the program exits, and resolves with its exit code. */
  async ended(): Promise<number> {
    const end = Date.now() + PATIENCE_MS
    while ((await this.property('pane_dead')) !== '1') {
      if (Date.now() > end) throw new Error(`it does not end:\n${(await this.screen()).join('\n')}`)
      await pause(LOOK_MS)
    }
    return Number(await this.property('pane_dead_status'))
  }

  #tmux(...args: readonly string[]): Promise<{ stdout: string }> {
    return run('tmux', ['-u', '-L', this.#socket, ...args])
  }
}

const rowsOf = (text: string): string[] =>
  text
    .replace(/\n+$/, '')
    .split('\n')
    .map(row => row.trimEnd())
