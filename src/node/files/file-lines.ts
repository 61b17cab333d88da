import type { Clock, Millis } from '../../base/clock.js'
import { bufferOf } from '../../base/wire/bytes.js'
import { contentOf } from '../../chat/kinds/kinds.js'
import type { FileRoot } from '../../files/format/hash-tree.js'
import type { FileStore } from '../../files/store/file-store.js'
import type { LogContents } from '../../log/content/log-contents.js'
import { type LogId, logIdOf, type Seq } from '../../log/format/author.js'
import { decodeEntry, type Entry } from '../../log/format/entry.js'
import type { Digest } from '../../log/format/heads.js'
import type { Log } from '../../log/log.js'

/** How long file content that no line refers to is kept: its line may still be unsent. */
const UNREFERRED_MS_MAX: Millis = 86_400_000

export interface FileLinesParts {
  readonly log: Pick<Log, 'head' | 'entries' | 'placeOf' | 'on' | 'off'> & {
    readonly contents: Pick<LogContents, 'isGone'>
  }
  readonly store: FileStore
  readonly clock: Clock
  /** Deletes the content of a file. */
  readonly remove: (root: FileRoot) => Promise<void>
}

/** The name of a line in the store. */
export const lineName = ({ author, seq }: Digest): string => `${author}/${seq}`

/** The place of a line in the log, by its name in the store. */
export function placeIn(line: string): Digest | undefined {
  const at = line.lastIndexOf('/')
  const author = logIdOf(line.slice(0, at))
  const seq = Number(line.slice(at + 1)) as Seq
  return author === undefined || !Number.isSafeInteger(seq) ? undefined : { author, seq }
}

/** Deletes the file contents of deleted lines. Content stays while any line of the room refers to it. */
export class FileLines {
  readonly #parts: FileLinesParts
  readonly #abort = new AbortController()
  #working: Promise<void> = Promise.resolve()

  /** Follows the log from now on, and checks what is stored. */
  constructor(parts: FileLinesParts) {
    this.#parts = parts
    parts.log.on('gaps', this.#onGaps)
    this.#check(undefined)
  }

  /** Resolves when the contents of all lines that were dropped so far are checked. */
  settled(): Promise<void> {
    return this.#working
  }

  async close(): Promise<void> {
    this.#abort.abort()
    this.#parts.log.off('gaps', this.#onGaps)
    await this.#working
  }

  readonly #onGaps = (log: LogId): void => this.#check(log)

  #check(log: LogId | undefined): void {
    if (this.#parts.store.all.length === 0) return
    // If the disk fails or the log is closed, the next start checks again.
    this.#working = this.#working.then(() => this.#checkAll(log)).catch(() => {})
  }

  /** Checks the file contents that lines of a log refer to; if `log` is undefined, all contents. */
  async #checkAll(log: LogId | undefined): Promise<void> {
    const { store } = this.#parts
    for (const root of store.all) {
      if (this.#abort.signal.aborted) return
      const lines = [...store.linesOf(root)].filter(line => log === undefined || line.startsWith(log))
      const gone = lines.filter(line => this.#isGone(line))
      let isUnreferred = log === undefined && store.linesOf(root).size === 0
      for (const line of gone) isUnreferred = (await store.unrefer(root, line)) || isUnreferred
      if (isUnreferred) await this.#removeUnlessReferred(root, gone.length > 0)
    }
  }

  #isGone(line: string): boolean {
    const { log } = this.#parts
    const place = placeIn(line)
    if (place === undefined) return true
    const { author, seq } = log.placeOf(place)
    return log.contents.isGone(author, seq)
  }

  async #removeUnlessReferred(root: FileRoot, isGone: boolean): Promise<void> {
    const { store, clock, remove } = this.#parts
    const found = await this.#find(root)
    if (this.#abort.signal.aborted) return
    for (const line of found) await store.refer(root, line)
    // The user may have sent or fetched the file again meanwhile.
    if (found.length > 0 || store.linesOf(root).size > 0 || store.isToBeReferred(root)) return
    if (isGone || clock.now() - (await store.storedAt(root)) > UNREFERRED_MS_MAX) await remove(root)
  }

  /** The lines of the room that refer to the content of a file. */
  async #find(root: FileRoot): Promise<readonly string[]> {
    const found: string[] = []
    for (const { author, seq } of this.#parts.log.head)
      for await (const entries of this.#parts.log.entries({ author, from: 1 as Seq, to: (seq + 1) as Seq })) {
        if (this.#abort.signal.aborted) return found
        for (const entry of entries) if (refersTo(entry, root)) found.push(lineName(entry))
      }
    return found
  }
}

function refersTo({ entry }: Entry, root: FileRoot): boolean {
  if (!bufferOf(entry).includes(root)) return false
  const members = decodeEntry(entry)
  const content = members && contentOf(members)
  return content?.kind === 'file' && content.root === root
}
