/** The part of a terminal that a live block needs: rows of single-cell characters, a scrollback and a few sequences. */
export class SmallTerminal {
  readonly scrollback: string[] = []
  /** The number of writes so far. */
  writes = 0
  #rows: string[] = ['']
  #x = 0
  #y = 0
  readonly #columns: number
  readonly #height: number

  constructor(columns: number, height: number) {
    this.#columns = columns
    this.#height = height
  }

  readonly columns = (): number => this.#columns

  readonly write = (text: string): void => {
    this.writes++
    for (const [piece] of text.matchAll(/\u001b\[\??\d*[A-Za-z]|[\s\S]/g)) {
      if (piece.length > 1) this.#control(piece)
      else if (piece === '\n') this.#newLine()
      else if (piece === '\r') this.#x = 0
      else this.#put(piece)
    }
  }

  /** The scrollback and the screen, without blank rows at the end. */
  get all(): string[] {
    const all = [...this.scrollback, ...this.#rows].map(row => row.trimEnd())
    return all.slice(0, all.findLastIndex(row => row !== '') + 1)
  }

  /** Where the cursor is, counted from the first row of the scrollback. */
  get cursor(): { x: number; y: number } {
    return { x: this.#x, y: this.scrollback.length + this.#y }
  }

  #put(character: string): void {
    if (this.#x === this.#columns) this.#newLine()
    const row = (this.#rows[this.#y] ?? '').padEnd(this.#x)
    this.#rows[this.#y] = row.slice(0, this.#x) + character + row.slice(this.#x + 1)
    this.#x++
  }

  #newLine(): void {
    this.#x = 0
    this.#y++
    while (this.#rows.length <= this.#y) this.#rows.push('')
    if (this.#rows.length <= this.#height) return
    this.scrollback.push(this.#rows.shift() ?? '')
    this.#y--
  }

  #control(sequence: string): void {
    const count = Number(/\d+/.exec(sequence)?.[0] ?? 1)
    if (sequence.endsWith('A')) this.#y = Math.max(0, this.#y - count)
    else if (sequence.endsWith('B')) this.#y = Math.min(this.#rows.length - 1, this.#y + count)
    else if (sequence.endsWith('C')) this.#x = Math.min(this.#columns - 1, this.#x + count)
    else if (sequence.endsWith('K')) this.#eraseRow()
    else if (sequence.endsWith('J')) {
      // As tmux does with its option scroll-on-clear.
      if (this.#x === 0 && this.#y === 0) this.scrollback.push(...this.#rows)
      this.#eraseRow()
      this.#rows = this.#rows.map((row, index) => (index > this.#y ? '' : row))
    }
  }

  #eraseRow(): void {
    this.#rows[this.#y] = (this.#rows[this.#y] ?? '').slice(0, this.#x)
  }
}
