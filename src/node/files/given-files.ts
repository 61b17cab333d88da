import type { FileRoot } from '../../files/format/hash-tree.js'
import type { FileStore } from '../../files/store/file-store.js'
import { type AuthorId, authorOfLog } from '../../log/format/author.js'
import type { Hlc } from '../../log/format/hybrid-clock.js'
import type { Log } from '../../log/log.js'
import { placeIn } from './file-lines.js'

interface GivenFilesParts {
  readonly log: Pick<Log, 'entry' | 'placeOf'>
  readonly store: Pick<FileStore, 'linesOf'>
  readonly peer: AuthorId | undefined
  /** The date of the first lines that the peer is given; undefined for all lines. */
  readonly from: () => Hlc | undefined
}

/** Decides which contents a peer is given: those that some line refers to that the peer is given. To know the root is not enough. */
export class GivenFiles {
  readonly #parts: GivenFilesParts
  /** Lines that the peer is given, by the contents that they refer to. */
  readonly #given = new Map<FileRoot, { readonly line: string; readonly from: Hlc }>()

  constructor(parts: GivenFilesParts) {
    this.#parts = parts
  }

  async has(root: FileRoot): Promise<boolean> {
    const { store, from: dateOf } = this.#parts
    const from = dateOf()
    if (from === undefined) return true
    const lines = store.linesOf(root)
    const found = this.#given.get(root)
    if (found?.from === from && lines.has(found.line)) return true
    for (const line of [...lines].reverse())
      if (await this.#isGiven(line, from)) {
        this.#given.set(root, { line, from })
        return true
      }
    return false
  }

  async #isGiven(line: string, from: Hlc): Promise<boolean> {
    const { log, peer } = this.#parts
    const place = placeIn(line)
    if (place === undefined) return false
    const { author, seq } = log.placeOf(place)
    if (authorOfLog(author) === peer) return true
    const entry = await log.entry(author, seq)
    return entry !== undefined && entry.at >= from
  }
}
