import stringWidth from 'string-width'
import { jobState } from './foreground.js'
import type { Frame } from './frame.js'
import { Keys, PASTE_MODE_OFF, PASTE_MODE_ON } from './keys.js'
import type { LiveBlock } from './live-block.js'

const EMPTY: Frame = { rows: [], input: { rows: [], cursor: { x: 0, y: 0 } } }
const SHOW_CURSOR = '\u001b[?25h'

/** Where there is no job control, and there are hardly any signals. */
const IS_WINDOWS = process.platform === 'win32'

/** How long after a stop signal the process runs on only if nothing has stopped it. */
const STOP_MS = 50
/** How often a job in the background looks whether it has the terminal again: not every shell signals that. */
const BACKGROUND_MS = 200
/** Lines kept for the terminal while it is not ours; the log has the others. */
const WAITING_LINES_MAX = 5_000

/**
 * Signals that end a process at once. Of those that do, SIGINT, SIGTERM and SIGHUP end the chat in order. SIGILL, SIGBUS,
 * SIGFPE and SIGSEGV cannot be handled: the fault behind them would be repeated for ever.
 */
const ENDING_SIGNALS: readonly NodeJS.Signals[] = [
  ...(IS_WINDOWS
    ? []
    : (['SIGQUIT', 'SIGABRT', 'SIGTRAP', 'SIGSYS', 'SIGALRM', 'SIGVTALRM', 'SIGUSR2', 'SIGXCPU'] as const)),
  ...(process.platform === 'linux' ? (['SIGIO', 'SIGPWR', 'SIGSTKFLT'] as const) : []),
]

export interface TerminalEvents {
  /** The size has changed, or the terminal is ours again: everything is to be drawn. */
  readonly onResize: () => void
  /** The program was started in the background: nothing is drawn until it is in the foreground. */
  readonly onBackground: () => void
  /** The terminal is gone. */
  readonly onLost: () => void
  /** A stop was asked for, but there is no shell that could continue this process. */
  readonly onUnstoppable: () => void
}

/**
 * The terminal: keys come from it, lines scroll up in it, and a frame stands below them. It is given back whenever the
 * process stops, ends or goes to the background, and taken again when the process is in the foreground.
 */
export class Terminal {
  readonly keys = new Keys()
  readonly #onKeys = (bytes: Buffer): void => this.keys.write(bytes)
  #events: TerminalEvents = { onResize: () => {}, onBackground: () => {}, onLost: () => {}, onUnstoppable: () => {} }
  #frame = EMPTY
  #stage: LiveBlock | undefined
  #openStage: (() => LiveBlock) | undefined
  /** Whether it is ours now: not while the process is stopped or in the background, and not once it is closed or lost. */
  #isOurs = false
  #isClosed = false
  #isLost = false
  /** Whether a stop was asked for and has not been answered by a SIGCONT. */
  #isStopping = false
  /** Lines to be shown once it is ours again. */
  #waiting: string[] = []
  #returning: NodeJS.Timeout | undefined

  get columns(): number {
    return process.stdout.columns || 80
  }

  get rows(): number {
    return process.stdout.rows || 24
  }

  open(events: TerminalEvents): void {
    this.#events = events
    for (const stream of [process.stdin, process.stdout]) stream.on('error', this.#onGone).on('close', this.#onGone)
    process.stdin.pause() // not read before it is ours
    process.stdin.on('end', this.#onGone).on('data', this.#onKeys)
    process.stdout.on('resize', this.#eraseReflowed)
    process.stdout.on('resize', events.onResize)
    process.on('SIGTSTP', this.#onStop).on('SIGCONT', this.#onContinued)
    for (const signal of ENDING_SIGNALS) process.on(signal, this.#onEndingSignal)
    process.on('exit', this.#onExit)
    this.#return()
    if (!this.#isOurs) events.onBackground()
  }

  /** Begins to show frames. What draws them takes its time to load: so the history can be there before. */
  async showFrames(): Promise<void> {
    const { LiveBlock } = await import('./live-block.js')
    if (this.#isClosed) return
    this.#openStage = () => new LiveBlock(this.#frame)
    if (this.#isOurs) this.#stage = this.#openStage()
  }

  /** Lets lines scroll up, and shows a frame below them. */
  show(lines: readonly string[], frame: Frame): void {
    if (!this.#isOurs) {
      if (!this.#isLost) this.#waiting = [...this.#waiting, ...lines].slice(-WAITING_LINES_MAX)
      return
    }
    // It may be narrower already than it has been told: what is too wide for it could not be taken back.
    if (process.stdout.getWindowSize()[0] !== process.stdout.columns) process.emit('SIGWINCH')
    this.#frame = frame
    process.stdout.cork() // all at once, or it flickers
    const all = [...this.#waiting, ...lines]
    this.#waiting = []
    const text = all.length === 0 ? '' : `${all.join('\n')}\n`
    if (this.#stage === undefined) process.stdout.write(text)
    else this.#stage.show(text, frame)
    process.stdout.uncork()
  }

  /** Begins at the top of an empty screen; what stood there is in the scrollback of some terminals, and gone in others. */
  clear(): void {
    if (!this.#isOurs) return
    this.show([], EMPTY)
    process.stdout.write('\u001b[2J\u001b[H')
  }

  /**
   * Gives the terminal to the shell until the user calls the program back. The whole process group stops, as if the
   * terminal had sent the signal: whatever wraps this process would otherwise stay in front of the shell.
   */
  suspend(): void {
    if (IS_WINDOWS) {
      this.#events.onUnstoppable()
      return
    }
    this.#giveBack()
    this.#isStopping = true
    process.off('SIGTSTP', this.#onStop)
    process.kill(0, 'SIGTSTP')
    process.on('SIGTSTP', this.#onStop)
    // Where no shell could continue it, as under `script` or in a window of its own, the system ignores the signal.
    this.#returnIn(STOP_MS)
  }

  bell(): void {
    if (this.#isOurs) process.stdout.write('\u0007')
  }

  /** Gives the terminal back as it was, with these lines as the last. */
  close(lines: readonly string[]): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.show(lines, EMPTY)
    clearTimeout(this.#returning)
    if (this.#isOurs) this.#stage?.close()
    this.#giveBack()
    process.stdin.off('data', this.#onKeys)
    process.stdin.unref() // a terminal that is gone would be waited for
    process.stdout.off('resize', this.#eraseReflowed)
    process.stdout.off('resize', this.#events.onResize)
    process.off('SIGTSTP', this.#onStop).off('SIGCONT', this.#onContinued).off('exit', this.#onExit)
    for (const signal of ENDING_SIGNALS) process.off(signal, this.#onEndingSignal)
  }

  #take(): void {
    clearTimeout(this.#returning)
    this.#isOurs = true
    // Off first: who stopped this process may have changed the mode, and what is believed to be on is not set again.
    process.stdin.setRawMode(false)
    process.stdin.setRawMode(true)
    process.stdin.resume()
    process.stdout.write(PASTE_MODE_ON)
    this.#stage ??= this.#openStage?.()
  }

  /** Safe to call in any state: nothing is written to a terminal that is not ours. */
  #giveBack(): void {
    if (!this.#isOurs) return
    this.show([], EMPTY)
    this.#isOurs = false
    process.stdin.pause()
    process.stdin.setRawMode(false)
    process.stdout.write(`${PASTE_MODE_OFF}${SHOW_CURSOR}`)
  }

  #returnIn(ms: number): void {
    clearTimeout(this.#returning)
    // Not in the timer itself: a SIGCONT that has come already is told before an immediate, but after a timer.
    this.#returning = setTimeout(() => setImmediate(() => this.#return()), ms).unref()
  }

  /** Takes the terminal again, as soon as the process is in its foreground. */
  #return(): void {
    if (this.#isOurs || this.#isClosed || this.#isLost) return
    if (!jobState().isInForeground) {
      this.#returnIn(BACKGROUND_MS)
      return
    }
    process.emit('SIGWINCH') // a process in the background is not told of a new size
    this.#take()
    if (this.#isStopping) this.#events.onUnstoppable()
    this.#isStopping = false
    this.#events.onResize()
  }

  readonly #onStop = (): void => this.suspend()

  readonly #onContinued = (): void => {
    this.#isStopping = false
    // After a SIGSTOP nothing was given back: the shell has written below the frame, and set a mode of its own.
    const { isInForeground, isJob } = jobState()
    if (this.#isOurs && isInForeground) {
      if (isJob) this.#moveFrameDown()
      this.show([], EMPTY)
    }
    this.#isOurs = false
    this.keys.endPaste()
    process.stdin.pause()
    this.#return()
  }

  readonly #onGone = (): void => {
    if (this.#isLost) return
    this.#isLost = true
    this.#isOurs = false
    this.#events.onLost()
  }

  readonly #onEndingSignal = (signal: NodeJS.Signals): void => {
    this.close([])
    process.kill(process.pid, signal)
  }

  readonly #onExit = (): void => this.#giveBack()

  /** The frame begins anew below all that is on the screen, where what is erased of it is blank. */
  #moveFrameDown(): void {
    const { rows, input } = this.#frame
    const below = Math.max(0, input.rows.length - 1 - input.cursor.y)
    const all = rows.length + input.rows.length
    if (all > 0) process.stdout.write(`\r${'\n'.repeat(all)}${below > 0 ? `\u001b[${below}A` : ''}`)
  }

  /** A terminal that becomes narrower breaks the rows of the frame in two: ink, which is told next, counts them as before. */
  readonly #eraseReflowed = (): void => {
    if (!this.#isOurs) return
    const { rows, input } = this.#frame
    const columns = this.columns
    const above = rows.length + input.cursor.y
    const broken = [...rows, ...input.rows]
      .slice(0, above)
      .reduce((sum, row) => sum + Math.max(0, Math.ceil(stringWidth(row) / columns) - 1), 0)
    const up = above + broken + Math.floor(input.cursor.x / columns)
    if (up > above) process.stdout.write(`\u001b[${up}A\r\u001b[J${'\n'.repeat(above)}`)
  }
}
