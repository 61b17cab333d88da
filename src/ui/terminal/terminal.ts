import { jobState } from './foreground.js'
import { Keys, PASTE_MODE_OFF, PASTE_MODE_ON } from './keys.js'
import { EMPTY_FRAME, type Frame, LiveBlock } from './live-block.js'
import { notificationOf } from './notification.js'

const SHOW_CURSOR = '\u001b[?25h'

/** Windows has no job control and few signals. */
const IS_WINDOWS = process.platform === 'win32'

/** If the process still runs this long after it sent itself a stop signal, the signal had no effect. */
const STOP_MS = 50
/** How often a background job checks whether it is in the foreground again: not every shell sends SIGCONT. */
const BACKGROUND_MS = 200
/** Lines buffered while the terminal is not ours. Older ones are in the log. */
const WAITING_LINES_MAX = 5_000

/**
 * Signals whose default action ends the process at once. SIGINT, SIGTERM and SIGHUP are handled elsewhere. SIGILL, SIGBUS,
 * SIGFPE and SIGSEGV cannot be handled: the process would repeat the faulting instruction forever.
 */
const ENDING_SIGNALS: readonly NodeJS.Signals[] = [
  ...(IS_WINDOWS
    ? []
    : (['SIGQUIT', 'SIGABRT', 'SIGTRAP', 'SIGSYS', 'SIGALRM', 'SIGVTALRM', 'SIGUSR2', 'SIGXCPU'] as const)),
  ...(process.platform === 'linux' ? (['SIGIO', 'SIGPWR', 'SIGSTKFLT'] as const) : []),
]

export interface TerminalEvents {
  /** The size changed, or the terminal is ours again: draw everything. */
  readonly onResize: () => void
  /** The program was started in the background and draws nothing until it is in the foreground. */
  readonly onBackground: () => void
  /** The terminal is gone. */
  readonly onLost: () => void
  /** The user asked to stop the process, but no shell could continue it. */
  readonly onUnstoppable: () => void
}

/**
 * The user's terminal: emits keys, prints lines and shows a frame below them. Restores the terminal whenever the process
 * stops, ends or goes to the background, and uses it again when the process is in the foreground.
 */
export class Terminal {
  readonly keys = new Keys()
  readonly #onKeys = (bytes: Buffer): void => this.keys.write(bytes)
  readonly #block: LiveBlock
  #events: TerminalEvents = { onResize: () => {}, onBackground: () => {}, onLost: () => {}, onUnstoppable: () => {} }
  /** `inactive` while the process is stopped or in the background. */
  #state: 'inactive' | 'active' | 'closed' | 'lost' = 'inactive'
  /** Whether a stop was requested and no SIGCONT has followed. */
  #isStopping = false
  /** Lines to print when the terminal is active. */
  #waiting: string[] = []
  #activating: NodeJS.Timeout | undefined

  constructor() {
    const columns = (): number => this.columns
    this.#block = new LiveBlock({ columns, write: text => void process.stdout.write(text) })
  }

  get columns(): number {
    return process.stdout.columns || 80
  }

  get rows(): number {
    return process.stdout.rows || 24
  }

  open(events: TerminalEvents): void {
    this.#events = events
    for (const stream of [process.stdin, process.stdout]) stream.on('error', this.#onGone).on('close', this.#onGone)
    process.stdin.pause() // not read until the terminal is active
    process.stdin.on('end', this.#onGone).on('data', this.#onKeys)
    process.stdout.on('resize', events.onResize)
    process.on('SIGTSTP', this.#onStop).on('SIGCONT', this.#onContinued)
    for (const signal of ENDING_SIGNALS) process.on(signal, this.#onEndingSignal)
    process.on('exit', this.#onExit)
    this.#activateInForeground()
    if (this.#state !== 'active') events.onBackground()
  }

  /** Prints lines, and shows a frame below them. */
  show(lines: readonly string[], frame: Frame): void {
    if (this.#state === 'lost') return
    this.#waiting = [...this.#waiting, ...lines]
    if (this.#state !== 'active') {
      this.#waiting = this.#waiting.slice(-WAITING_LINES_MAX)
      return
    }
    if (this.#hasNewWidth()) return // onResize has called this method with a frame of that width
    this.#block.show(this.#waiting.splice(0), frame)
  }

  /** Continues at the top of an empty screen. Some terminals keep the old screen in the scrollback. */
  clear(): void {
    if (this.#state !== 'active') return
    this.show([], EMPTY_FRAME)
    process.stdout.write('\u001b[2J\u001b[H')
  }

  /**
   * Returns to the shell until the user continues the program. Stops the whole process group, as the terminal would:
   * otherwise a wrapper of this process would keep the terminal from the shell.
   */
  suspend(): void {
    if (IS_WINDOWS) {
      this.#events.onUnstoppable()
      return
    }
    this.#deactivate()
    this.#isStopping = true
    process.off('SIGTSTP', this.#onStop)
    process.kill(0, 'SIGTSTP')
    process.on('SIGTSTP', this.#onStop)
    // The system ignores the signal where no shell could continue the process, as under `script`.
    this.#activateIn(STOP_MS)
  }

  bell(): void {
    if (this.#state === 'active') process.stdout.write('\u0007')
  }

  /** Shows a desktop notification, if the terminal can. */
  notify(text: string): void {
    if (this.#state === 'active') process.stdout.write(notificationOf(text, process.env))
  }

  /** Prints the last lines, and restores the terminal. */
  close(lines: readonly string[]): void {
    if (this.#state === 'closed') return
    this.show(lines, EMPTY_FRAME)
    clearTimeout(this.#activating)
    this.#deactivate()
    this.#state = 'closed'
    process.stdin.off('data', this.#onKeys)
    process.stdin.unref() // the process would wait for a terminal that is gone
    process.stdout.off('resize', this.#events.onResize)
    process.off('SIGTSTP', this.#onStop).off('SIGCONT', this.#onContinued).off('exit', this.#onExit)
    for (const signal of ENDING_SIGNALS) process.off(signal, this.#onEndingSignal)
  }

  /** Updates the known size. True if the width changed: SIGWINCH has not arrived yet. */
  #hasNewWidth(): boolean {
    const { columns } = process.stdout
    if (process.stdout.getWindowSize()[0] === columns) return false
    process.emit('SIGWINCH')
    return process.stdout.columns !== columns
  }

  #activate(): void {
    clearTimeout(this.#activating)
    this.#state = 'active'
    // Off first: a shell may have changed the mode, and Node does not set a mode that it believes to be set.
    process.stdin.setRawMode(false)
    process.stdin.setRawMode(true)
    process.stdin.resume()
    process.stdout.write(PASTE_MODE_ON)
  }

  /** Restores the terminal. Does nothing in any other state than `active`. */
  #deactivate(): void {
    if (this.#state !== 'active') return
    this.#block.show([], EMPTY_FRAME)
    this.#state = 'inactive'
    process.stdin.pause()
    process.stdin.setRawMode(false)
    process.stdout.write(`${PASTE_MODE_OFF}${SHOW_CURSOR}`)
  }

  #activateIn(ms: number): void {
    clearTimeout(this.#activating)
    // An immediate runs after the handler of a SIGCONT that has arrived already; the timer itself may run before it.
    this.#activating = setTimeout(() => setImmediate(() => this.#activateInForeground()), ms).unref()
  }

  /** Activates the terminal as soon as the process is in its foreground. */
  #activateInForeground(): void {
    if (this.#state !== 'inactive') return
    if (!jobState().isInForeground) {
      this.#activateIn(BACKGROUND_MS)
      return
    }
    process.emit('SIGWINCH') // a background process gets no SIGWINCH
    this.#activate()
    if (this.#isStopping) this.#events.onUnstoppable()
    this.#isStopping = false
    this.#events.onResize()
  }

  readonly #onStop = (): void => this.suspend()

  readonly #onContinued = (): void => {
    this.#isStopping = false
    // SIGSTOP cannot be handled: the shell has written below the frame, and has changed the mode.
    const { isInForeground, isJob } = jobState()
    if (this.#state === 'active') {
      if (isInForeground && isJob) this.#block.abandon()
      else if (isInForeground) this.#block.show([], EMPTY_FRAME)
      this.#state = 'inactive'
    }
    this.keys.endPaste()
    process.stdin.pause()
    this.#activateInForeground()
  }

  readonly #onGone = (): void => {
    if (this.#state === 'lost') return
    if (this.#state !== 'closed') this.#state = 'lost'
    this.#events.onLost()
  }

  readonly #onEndingSignal = (signal: NodeJS.Signals): void => {
    this.close([])
    process.kill(process.pid, signal)
  }

  readonly #onExit = (): void => this.#deactivate()
}
