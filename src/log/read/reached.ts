import type { ForkRegistry } from '../forks/fork-registry.js'
import type { LogId, Seq } from '../format/author.js'
import type { Entry } from '../format/entry.js'

/** How far a reader has each log. Entries that were moved to a branch count there too, so that none is shown twice. */
export class Reached {
  readonly #forks: ForkRegistry
  readonly #logs: Map<LogId, Seq>

  constructor(forks: ForkRegistry, since: ReadonlyMap<LogId, Seq>) {
    this.#forks = forks
    this.#logs = new Map(since)
  }

  of(log: LogId): Seq {
    const seq = this.#logs.get(log) ?? 0
    const branch = this.#forks.branch(log)
    return branch?.isKept ? Math.max(seq, this.of(branch.parent) - branch.proof.forkedAt + 1) : seq
  }

  note(log: LogId, seq: Seq): void {
    this.#logs.set(log, Math.max(seq, this.#logs.get(log) ?? 0))
  }

  noteAll(entries: readonly Entry[]): void {
    let last: Entry | undefined
    for (const entry of entries) {
      if (last !== undefined && entry.author !== last.author) this.note(last.author, last.seq)
      last = entry
    }
    if (last !== undefined) this.note(last.author, last.seq)
  }

  /** The entries that the reader does not have. */
  fresh(entries: readonly Entry[]): readonly Entry[] {
    return this.#forks.branches.length === 0 ? entries : entries.filter(({ author, seq }) => seq > this.of(author))
  }
}
