import stringWidth from 'string-width'
import type { Frame } from './frame.js'
import { Keys, PASTE_MODE_OFF, PASTE_MODE_ON } from './keys.js'
import type { Stage } from './stage.js'

const EMPTY: Frame = { rows: [], input: { rows: [], cursor: { x: 0, y: 0 } } }

/** The terminal: keys come from it, lines scroll up in it, and a frame stands below them. */
export class Terminal {
  readonly keys = new Keys()
  readonly #onKeys = (bytes: Buffer): void => this.keys.write(bytes)
  readonly #onExit = (): void => void process.stdout.write(PASTE_MODE_OFF)
  #frame = EMPTY
  #stage: Stage | undefined
  #isClosed = false
  #onResumed: () => void = () => {}

  get columns(): number {
    return process.stdout.columns || 80
  }

  get rows(): number {
    return process.stdout.rows || 24
  }

  open(onResize: () => void): void {
    process.stdout.on('resize', this.#eraseReflowed)
    process.stdout.on('resize', onResize)
    this.#onResumed = onResize
    process.stdin.setRawMode(true)
    process.stdin.on('data', this.#onKeys)
    process.stdin.resume()
    process.on('exit', this.#onExit)
    process.stdout.write(PASTE_MODE_ON)
  }

  /** Begins to show frames. What draws them takes its time to load: so the history can be there before. */
  async showFrames(): Promise<void> {
    const { Stage } = await import('./stage.js')
    if (this.#isClosed) return
    this.#stage = new Stage(this.#frame)
  }

  /** Lets lines scroll up, and shows a frame below them. */
  show(lines: readonly string[], frame: Frame): void {
    // It may be narrower already than it has been told: what is too wide for it could not be taken back.
    if (process.stdout.getWindowSize()[0] !== process.stdout.columns) process.emit('SIGWINCH')
    this.#frame = frame
    process.stdout.cork() // all at once, or it flickers
    const text = lines.length === 0 ? '' : `${lines.join('\n')}\n`
    if (this.#stage === undefined) process.stdout.write(text)
    else this.#stage.show(text, frame)
    process.stdout.uncork()
  }

  /** Begins at the top of an empty screen; what stood there is in the scrollback of some terminals, and gone in others. */
  clear(): void {
    this.show([], EMPTY)
    process.stdout.write('\u001b[2J\u001b[H')
  }

  /** Gives the terminal to the shell until the user calls the program back. */
  suspend(): void {
    this.show([], EMPTY)
    process.stdin.setRawMode(false)
    process.stdout.write(`${PASTE_MODE_OFF}\u001b[?25h`)
    process.once('SIGCONT', () => {
      process.stdin.setRawMode(true)
      process.stdout.write(PASTE_MODE_ON)
      this.#onResumed()
    })
    process.kill(process.pid, 'SIGTSTP')
  }

  bell(): void {
    process.stdout.write('\u0007')
  }

  /** Gives the terminal back as it was, with these lines as the last. */
  close(lines: readonly string[]): void {
    this.#isClosed = true
    this.show(lines, EMPTY)
    this.#stage?.close()
    process.stdout.off('resize', this.#eraseReflowed)
    process.stdin.off('data', this.#onKeys)
    process.stdin.setRawMode(false)
    process.stdin.pause()
    process.stdin.unref() // a terminal that is gone would be waited for
    process.off('exit', this.#onExit)
    process.stdout.write(PASTE_MODE_OFF)
  }

  /** A terminal that becomes narrower breaks the rows of the frame in two: ink, which is told next, counts them as before. */
  readonly #eraseReflowed = (): void => {
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
