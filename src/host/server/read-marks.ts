import { EventEmitter } from 'node:events'
import type { LogId, Seq } from '../../log/format/author.js'
import type { Digest } from '../../log/format/heads.js'
import type { NodeStore } from './node-store.js'

interface ReadMarkEvents {
  /** These marks have moved. */
  moved: [readonly Digest[]]
}

/** How far the user has read each log of a room, in any face. Marks only move forward. */
export class ReadMarks extends EventEmitter<ReadMarkEvents> {
  readonly #store: NodeStore
  readonly #label: string
  readonly #marks: Map<LogId, Seq>
  /** Marks that are not on disk yet. */
  readonly #unsaved = new Map<LogId, Seq>()
  #saving: Promise<void> | undefined

  private constructor(store: NodeStore, label: string, marks: readonly Digest[]) {
    super()
    this.#store = store
    this.#label = label
    this.#marks = new Map(marks.map(({ author, seq }) => [author, seq]))
  }

  static async open(store: NodeStore, label: string): Promise<ReadMarks> {
    return new ReadMarks(store, label, await store.marks(label))
  }

  get all(): readonly Digest[] {
    return [...this.#marks].map(([author, seq]) => ({ author, seq }))
  }

  /** Moves marks, but not beyond the heads: only what is on disk can have been read. */
  advance(marks: readonly Digest[], heads: readonly Digest[]): void {
    const last = new Map(heads.map(({ author, seq }) => [author, seq]))
    const moved: Digest[] = []
    for (const { author, seq } of marks) {
      const reached = Math.min(seq, last.get(author) ?? 0)
      if (reached <= (this.#marks.get(author) ?? 0)) continue
      this.#marks.set(author, reached)
      this.#unsaved.set(author, reached)
      moved.push({ author, seq: reached })
    }
    if (moved.length === 0) return
    this.emit('moved', moved)
    this.#saving ??= this.#save()
  }

  /** Resolves when the marks are on disk, or cannot be stored. */
  async saved(): Promise<void> {
    await this.#saving
  }

  /** Marks that move while others are being stored are stored together. */
  async #save(): Promise<void> {
    try {
      while (this.#unsaved.size > 0) {
        const marks = [...this.#unsaved]
        await this.#store.setMarks(this.#label, marks)
        for (const [author, seq] of marks) if (this.#unsaved.get(author) === seq) this.#unsaved.delete(author)
      }
    } catch {
      // The marks stay in memory, and the next one that moves tries again. A failing disk is reported by the log.
    } finally {
      this.#saving = undefined
    }
  }
}
