import type { Key } from '../keys.js'

const graphemes = new Intl.Segmenter(undefined, { granularity: 'grapheme' })

/**
 * Single ASCII characters, or runs of other characters together with the character before them, because the run may
 * begin with a combining mark.
 */
const RUNS = /[\n -~](?=[\n -~]|$)|[\n -~]?[^\n -~]{1,512}/gu

/** The grapheme clusters of a text. A segmenter copies its whole input for each cluster, so it gets short runs. */
export const charactersOf = (text: string): string[] =>
  (text.match(RUNS) ?? []).flatMap(run =>
    run.length === 1 ? run : Array.from(graphemes.segment(run), ({ segment }) => segment),
  )

/** Matches characters of words. */
const WORD = /[\p{L}\p{N}_]/u

/** Maximum length of the line being written. Further input is ignored. */
const TEXT_LENGTH_MAX = 16 * 1024

/** Number of lines that Up can recall. */
const HISTORY_MAX = 500

/** What a key requests besides editing. */
export type Request = 'send' | 'complete' | 'end-of-input' | 'none'

/** The line being written, with the keys of readline and Emacs. */
export class Editor {
  #characters: readonly string[] = []
  #cursor = 0
  #killed = ''
  readonly #history: string[] = []
  /** Index of the shown history line; the history's length for the line being written. */
  #recalled = 0
  #draft = ''

  get text(): string {
    return this.#characters.join('')
  }

  /** The cursor's position, in characters. */
  get cursor(): number {
    return this.#cursor
  }

  get characters(): readonly string[] {
    return this.#characters
  }

  /** The text before the cursor. */
  get before(): string {
    return this.#characters.slice(0, this.#cursor).join('')
  }

  set(text: string): void {
    this.#characters = charactersOf(text)
    this.#cursor = this.#characters.length
  }

  insert(text: string): void {
    const before = this.before + text
    const all = before + this.#characters.slice(this.#cursor).join('')
    if (all.length > TEXT_LENGTH_MAX) return
    this.#characters = charactersOf(all)
    // A combining character joins the one before it, which changes all positions.
    this.#cursor = Math.min(charactersOf(before).length, this.#characters.length)
  }

  /** Adds the text to the history, and starts an empty line. */
  finish(): void {
    this.remember(this.text)
    this.set('')
  }

  /** Removes a line from the history. */
  forget(text: string): void {
    for (let index = this.#history.length - 1; index >= 0; index--)
      if (this.#history[index] === text) this.#history.splice(index, 1)
    this.#recalled = this.#history.length
  }

  /** Adds a line to the history. */
  remember(text: string): void {
    if (text.trim() !== '' && this.#history.at(-1) !== text) this.#history.push(text)
    if (this.#history.length > HISTORY_MAX) this.#history.shift()
    this.#recalled = this.#history.length
    this.#draft = ''
  }

  press(key: Key): Request {
    if (key.name === 'return' && !key.alt) return 'send'
    if (key.name === 'tab') return 'complete'
    if (key.ctrl && key.name === 'd' && this.#characters.length === 0) return 'end-of-input'
    const edits = key.ctrl ? this.#withControl : key.alt ? this.#withAlt : this.#alone
    const edit = Object.hasOwn(edits, key.name) ? edits[key.name] : undefined
    if (edit !== undefined) edit()
    else if (key.text !== '') this.insert(key.text)
    return 'none'
  }

  readonly #newLine = (): void => this.insert('\n')
  readonly #left = (): void => this.moveTo(this.#cursor - 1)
  readonly #right = (): void => this.moveTo(this.#cursor + 1)
  readonly #wordLeft = (): void => this.moveTo(this.#wordBefore())
  readonly #wordRight = (): void => this.moveTo(this.#wordAfter())
  readonly #toLineStart = (): void => this.moveTo(this.#lineStart())
  readonly #toLineEnd = (): void => this.moveTo(this.#lineEnd())
  readonly #deleteBefore = (): void => void this.#cut(this.#cursor - 1, this.#cursor)
  readonly #deleteAfter = (): void => void this.#cut(this.#cursor, this.#cursor + 1)
  readonly #killWordBefore = (): void => this.#kill(this.#wordBefore(), this.#cursor)

  readonly #alone: Readonly<Record<string, () => void>> = {
    left: this.#left,
    right: this.#right,
    home: this.#toLineStart,
    end: this.#toLineEnd,
    backspace: this.#deleteBefore,
    delete: this.#deleteAfter,
    up: () => this.#upwards(),
    down: () => this.#downwards(),
    enter: this.#newLine,
  }
  readonly #withControl: Readonly<Record<string, () => void>> = {
    a: this.#toLineStart,
    e: this.#toLineEnd,
    b: this.#left,
    f: this.#right,
    d: this.#deleteAfter,
    h: this.#deleteBefore,
    j: this.#newLine,
    k: () => this.#kill(this.#cursor, Math.max(this.#lineEnd(), this.#cursor + 1)),
    u: () => this.#kill(this.#lineStart(), this.#cursor),
    w: this.#killWordBefore,
    y: () => this.insert(this.#killed),
    p: () => this.#recall(-1),
    n: () => this.#recall(1),
    left: this.#wordLeft,
    right: this.#wordRight,
  }
  readonly #withAlt: Readonly<Record<string, () => void>> = {
    return: this.#newLine,
    enter: this.#newLine,
    b: this.#wordLeft,
    f: this.#wordRight,
    left: this.#wordLeft,
    right: this.#wordRight,
    d: () => this.#kill(this.#cursor, this.#wordAfter()),
    backspace: this.#killWordBefore,
  }

  moveTo(position: number): void {
    this.#cursor = Math.max(0, Math.min(position, this.#characters.length))
  }

  #cut(from: number, to: number): string {
    const start = Math.max(0, from)
    const cut = this.#characters.slice(start, to).join('')
    this.#characters = charactersOf([...this.#characters.slice(0, start), ...this.#characters.slice(to)].join(''))
    this.moveTo(start)
    return cut
  }

  #kill(from: number, to: number): void {
    const killed = this.#cut(from, to)
    if (killed !== '') this.#killed = killed
  }

  #lineStart(): number {
    return this.#cursor === 0 ? 0 : this.#characters.lastIndexOf('\n', this.#cursor - 1) + 1
  }

  #lineEnd(): number {
    const end = this.#characters.indexOf('\n', this.#cursor)
    return end === -1 ? this.#characters.length : end
  }

  #wordBefore(): number {
    let position = this.#cursor
    while (position > 0 && !this.#isWord(position - 1)) position--
    while (position > 0 && this.#isWord(position - 1)) position--
    return position
  }

  #wordAfter(): number {
    let position = this.#cursor
    const end = this.#characters.length
    while (position < end && !this.#isWord(position)) position++
    while (position < end && this.#isWord(position)) position++
    return position
  }

  #isWord(position: number): boolean {
    return WORD.test(this.#characters[position] ?? '')
  }

  /** Moves to the line above; from the first line, to the previous text of the history. */
  #upwards(): void {
    const start = this.#lineStart()
    if (start === 0) this.#recall(-1)
    else {
      const above = this.#characters.slice(0, start - 1).lastIndexOf('\n') + 1
      this.moveTo(Math.min(above + this.#cursor - start, start - 1))
    }
  }

  #downwards(): void {
    const end = this.#lineEnd()
    if (end === this.#characters.length) this.#recall(1)
    else {
      const column = this.#cursor - this.#lineStart()
      const next = this.#characters.indexOf('\n', end + 1)
      this.moveTo(Math.min(end + 1 + column, next === -1 ? this.#characters.length : next))
    }
  }

  #recall(step: number): void {
    const index = this.#recalled + step
    if (index < 0 || index > this.#history.length) return
    if (this.#recalled === this.#history.length) this.#draft = this.text
    this.#recalled = index
    this.set(this.#history[index] ?? this.#draft)
  }
}
