import type { ForkRegistry } from '../forks/fork-registry.js'
import type { LogId, Seq } from '../format/author.js'
import type { Entry } from '../format/entry.js'
import { Places } from '../format/places.js'
import { SEQ_MAX } from '../limits.js'
import { PASSED_MAX, type ReadMark } from '../options.js'

/**
 * How far a reader has read each log, and which places it passed without content. Entries that moved to a branch are also recorded there,
 * so that none is shown twice.
 */
export class Reached {
  readonly #forks: ForkRegistry
  readonly #logs = new Map<LogId, Seq>()
  readonly #passed = new Map<LogId, Places>()

  constructor(forks: ForkRegistry, since: readonly ReadMark[]) {
    this.#forks = forks
    for (const { author, seq, passed } of since) {
      this.#logs.set(author, seq)
      if (passed !== undefined && passed.length > 0) this.#passed.set(author, new Places(passed))
    }
  }

  of(log: LogId): Seq {
    const seq = this.#logs.get(log) ?? 0
    const branch = this.#forks.branch(log)
    return branch?.isKept ? Math.max(seq, this.of(branch.parent) - branch.proof.forkedAt + 1) : seq
  }

  /** The seq before the first entry that the reader may still be shown. */
  start(log: LogId): Seq {
    const [first] = this.#passed.size === 0 ? [] : this.passed(log).ranges
    return Math.min(this.of(log), first === undefined ? SEQ_MAX : first.from - 1)
  }

  /** The places of a log that the reader passed without content. */
  passed(log: LogId): Places {
    const places = this.#passed.get(log) ?? new Places()
    this.#passed.set(log, places)
    const kept = this.#forks.branch(log)
    if (kept === undefined || !kept.isKept) return places
    const { parent, proof } = kept
    const before = this.passed(parent)
    for (const { from, to } of before.within(proof.forkedAt, SEQ_MAX))
      places.add(from - proof.forkedAt + 1, to - proof.forkedAt + 1)
    before.remove(proof.forkedAt, SEQ_MAX)
    return places
  }

  forget(log: LogId): void {
    this.#logs.delete(log)
    this.#passed.delete(log)
  }

  note(log: LogId, seq: Seq): void {
    this.#logs.set(log, Math.max(seq, this.#logs.get(log) ?? 0))
  }

  noteAll(entries: readonly Entry[]): void {
    let last: Entry | undefined
    for (const entry of entries) {
      if (last !== undefined && entry.author !== last.author) this.#noteEnd(last)
      if (entry.gap?.state === 'missing') this.#pass(entry.author, entry.seq, entry.seq + entry.gap.count)
      last = entry
    }
    if (last !== undefined) this.#noteEnd(last)
  }

  /** The entries that the reader does not have. */
  fresh(entries: readonly Entry[]): readonly Entry[] {
    if (this.#forks.branches.length === 0 && this.#passed.size === 0) return entries
    return entries.filter(({ author, seq, gap }) => {
      if (seq + (gap?.count ?? 1) - 1 > this.of(author)) return true
      if (this.#passed.size === 0 || gap !== undefined || !this.passed(author).has(seq)) return false
      this.passed(author).remove(seq, seq + 1)
      return true
    })
  }

  #noteEnd({ author, seq, gap }: Entry): void {
    this.note(author, seq + (gap?.count ?? 1) - 1)
  }

  #pass(log: LogId, from: Seq, to: Seq): void {
    const places = this.passed(log)
    if (places.ranges.length < PASSED_MAX) places.add(from, to)
  }
}
