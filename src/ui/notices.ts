/** Something that the program says, beside what people say. */
export interface Notice {
  readonly kind: 'info' | 'alarm'
  readonly line: string
}

/** What the program says, kept until there is somewhere to say it. */
export class Notices {
  #waiting: Notice[] = []
  #tell = (notice: Notice): void => void this.#waiting.push(notice)

  readonly info = (line: string): void => this.#tell({ kind: 'info', line })
  readonly warn = (line: string): void => this.#tell({ kind: 'alarm', line })

  /** From now on it is told there, beginning with what was kept. */
  tellTo(tell: (notice: Notice) => void): void {
    this.#tell = tell
    for (const notice of this.#waiting.splice(0)) tell(notice)
  }
}
