import { EventEmitter } from 'node:events'
import type { LogContents } from '../../log/content/log-contents.js'
import { isBranch, type LogId } from '../../log/format/author.js'
import type { Log } from '../../log/log.js'
import type { ReadMark } from '../../log/options.js'
import { advanced, isSameMark, unionOf } from '../../log/read/read-mark.js'
import type { NodeStore } from './node-store.js'

interface ReadMarkEvents {
  /** These marks have moved. */
  moved: [readonly ReadMark[]]
}

/** The logs that read marks refer to. */
export type MarkedLogs = Pick<Log, 'head' | 'chainAt' | 'marksNow' | 'on' | 'off'> & {
  readonly contents: Pick<LogContents, 'missing'>
}

/**
 * Up to where the user has read each log of a room, in any face, and which entries the marks passed while their content
 * was missing. Marks only move forward; marks from two faces are merged.
 */
export class ReadMarks extends EventEmitter<ReadMarkEvents> {
  readonly #store: NodeStore
  readonly #label: string
  readonly #logs: MarkedLogs
  readonly #marks = new Map<LogId, ReadMark>()
  /** Logs whose marks are not on disk yet. */
  readonly #unsaved = new Set<LogId>()
  #saving: Promise<void> | undefined
  readonly #onPersisted = ({ author }: { readonly author: LogId }): void => {
    if (isBranch(author)) void this.#divide().catch(() => {}) // if the disk fails, the next start divides the marks
  }
  readonly #onForgotten = (log: LogId): void => {
    this.#unsaved.delete(log)
    if (this.#marks.delete(log)) void this.#store.deleteMark(this.#label, log).catch(() => {}) // if the disk fails, the mark stays and has no effect
  }

  private constructor(store: NodeStore, label: string, logs: MarkedLogs) {
    super()
    this.#store = store
    this.#label = label
    this.#logs = logs
    logs.on('persisted', this.#onPersisted).on('forgotten', this.#onForgotten)
  }

  static async open(store: NodeStore, label: string, logs: MarkedLogs): Promise<ReadMarks> {
    const marks = new ReadMarks(store, label, logs)
    for (const mark of await store.marks(label)) marks.#marks.set(mark.author, mark)
    await marks.#divide()
    return marks
  }

  get all(): readonly ReadMark[] {
    return [...this.#marks.values()]
  }

  /**
   * Moves marks, but not beyond the heads: only entries on disk can have been read. A mark with passed places is merged
   * with ours; a mark without them means that every entry up to it was read.
   */
  advance(marks: readonly ReadMark[]): void {
    const last = new Map(this.#logs.head.map(({ author, seq }) => [author, seq]))
    this.#put(
      marks.flatMap(mark => {
        const { author, passed } = mark
        const seq = Math.min(mark.seq, last.get(author) ?? 0)
        const current = this.#marks.get(author)
        if (passed === undefined) return advanced(current, { author, seq }, this.#logs.contents.missing(author)) ?? []
        return current === undefined ? { author, seq, passed } : unionOf(current, { author, seq, passed })
      }),
    )
  }

  /** Resolves when the marks are on disk, or cannot be stored. */
  async saved(): Promise<void> {
    this.#logs.off('persisted', this.#onPersisted).off('forgotten', this.#onForgotten)
    await this.#saving
  }

  /** After a fork, moves the marks to the branch that was read. */
  async #divide(): Promise<void> {
    const marks = await this.#logs.marksNow(this.all)
    for (const mark of marks) {
      const current = this.#marks.get(mark.author)
      if (current === undefined || mark.seq < current.seq) this.#marks.set(mark.author, mark)
      this.#unsaved.add(mark.author)
    }
    this.#put(marks)
  }

  #put(marks: readonly ReadMark[]): void {
    const moved = marks.filter(mark => !isSameMark(this.#marks.get(mark.author), mark))
    for (const mark of moved) {
      this.#marks.set(mark.author, mark)
      this.#unsaved.add(mark.author)
    }
    if (moved.length > 0) this.emit('moved', moved)
    if (this.#unsaved.size > 0) this.#saving ??= this.#save()
  }

  /** Stores marks. Marks that move meanwhile are stored together in the next write. */
  async #save(): Promise<void> {
    try {
      while (this.#unsaved.size > 0) {
        const marks = [...this.#unsaved].flatMap(log => this.#marks.get(log) ?? [])
        const complete = await Promise.all(marks.map(mark => this.#withChain(mark)))
        await this.#store.setMarks(this.#label, complete)
        for (const [index, { author }] of marks.entries())
          if (this.#marks.get(author) === marks[index]) this.#unsaved.delete(author)
      }
    } catch {
      // The marks stay in memory, and are stored when the next one moves. The log reports a failing disk.
    } finally {
      this.#saving = undefined
    }
  }

  /** A mark with the chain value at its entry, which identifies the history that was read. */
  async #withChain(mark: ReadMark): Promise<ReadMark> {
    const chain = mark.chain ?? (await this.#logs.chainAt(mark.author, mark.seq))
    return chain === undefined ? mark : { ...mark, chain }
  }
}
