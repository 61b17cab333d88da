import { ChatError, reasonOf } from '../../base/errors.js'
import type { ForkRegistry } from '../forks/fork-registry.js'
import { type AuthorId, isSigned, type Seq } from '../format/author.js'
import type { Entry } from '../format/entry.js'
import { shortened } from '../format/heads.js'
import { publishedKey, signedHeadWrite } from '../format/segment-rows.js'
import type { Frontier } from '../frontier.js'
import { SEQ_MAX } from '../limits.js'
import { compareEnd } from '../mark/doubt.js'
import type { LogMark, Refusal } from '../options.js'
import { type OwnLog, storedOffer } from '../own/own-log.js'
import type { SeqRange } from '../read/subscription.js'
import type { CommitQueue } from '../store/commit-queue.js'
import type { HeadIndex } from '../store/head-index.js'
import type { SegmentStore } from '../store/segment-store.js'
import type { Store } from '../store/store.js'
import type { UnsignedStore } from '../store/unsigned-store.js'
import type { Restoration } from './restoration.js'

export interface RecoveryParts {
  readonly store: Store
  readonly queue: CommitQueue
  readonly rows: UnsignedStore
  readonly segments: SegmentStore
  readonly heads: HeadIndex
  readonly ledger: Frontier
  readonly own: OwnLog
  readonly forks: ForkRegistry
  readonly restoration: Restoration
  readonly mark: LogMark | undefined
  readonly onWarning: (line: string) => void
  /** Something that was held is not there any more. */
  readonly onLost: (author: AuthorId) => void
  /** Entries are found stored that were not known to be. */
  readonly onFound: (span: SeqRange) => void
  /** Among them own ones, whose append was rejected. */
  readonly onRecovered: (entry: Entry) => void
}

/** What the disk is found to hold: at the opening, after it failed, and where something is missing. PROTOCOL.md §4.3, §4.4. */
export class Recovery {
  readonly #parts: RecoveryParts
  /** Logs whose end is being looked for again; nothing is added to them meanwhile. */
  readonly #relearning = new Map<AuthorId, Promise<void>>()
  readonly #onceWritable: (() => void)[] = []
  #isClosed = false

  constructor(parts: RecoveryParts) {
    this.#parts = parts
  }

  isRelearning(author: AuthorId): boolean {
    return this.#relearning.has(author)
  }

  /** Resolves when the end of a log is known again. */
  async relearnt(author: AuthorId): Promise<void> {
    await this.#relearning.get(author)
  }

  /** At the opening: what the disk holds, compared with what was noted elsewhere. Nothing is appended while that is in doubt. */
  async open(isRepaired: boolean): Promise<void> {
    const { queue, heads, mark, ledger, own, restoration, onWarning } = this.#parts
    await this.#load(mark?.found?.told, isRepaired)
    // The next start has to find them, however this one ends.
    if (isRepaired) await queue.write(heads.stale.map(signedHeadWrite))
    else
      for (const head of heads.stale)
        queue.defer({ name: head.author, isDeferrable: true, write: () => signedHeadWrite(head) })
    if (mark === undefined) {
      const seq = own.head?.seq ?? 0
      if (seq < own.offered) restoration.doubt({ reason: 'behind', to: own.offered, told: own.offered })
      return
    }
    let finding = compareEnd(mark, own.head, own.offered)
    if (finding.kind === 'unfinished') {
      await queue.write(finding.rows)
      if (mark.found?.isClean)
        onWarning(`the last entries of your own log were missing on this disk: they are restored from its mark`)
      await this.#load(mark.found?.told, isRepaired)
      finding = compareEnd(mark, own.head, own.offered)
    }
    if (finding.kind === 'doubt') restoration.doubt(finding.doubt)
    else await own.level()
    for (const [author, seq] of mark.heads) {
      const held = ledger.durable(author)
      if (held < seq && author !== own.author)
        onWarning(
          `entries ${held + 1} to ${seq} of ${author} are missing on this disk: they are fetched again from peers`,
        )
    }
  }

  /** `told`: peers may hold own entries up to this one, whatever the database says. */
  async #load(told: Seq = 0, isRepaired = false): Promise<void> {
    const { store, rows, heads, forks, ledger, own } = this.#parts
    await forks.load()
    const unsigned = await rows.load()
    const signed = await heads.load(isRepaired)
    ledger.reset([...unsigned.values(), ...signed.values()])
    const offered = storedOffer(await store.get(publishedKey(own.author)))
    own.reset(ledger.signedHead(own.author), Math.max(offered, told))
  }

  /** After a reopen: what the disk holds is what is true. */
  async recover(): Promise<void> {
    const { ledger, own, segments, restoration, onWarning, onFound, onRecovered } = this.#parts
    const before = new Map(ledger.heads.map(({ author, seq }) => [author, seq]))
    const toldBefore = own.offered
    await this.#load()
    const seq = own.head?.seq ?? 0
    if (seq < own.offered) {
      restoration.doubt({ reason: 'behind', to: own.offered, told: own.offered })
    } else {
      own.reset(own.head, Math.max(own.offered, Math.min(toldBefore, seq)))
      await own.level()
    }
    for (const [author, seq] of before) {
      const now = ledger.durable(author)
      if (now < seq) onWarning(`entries ${now + 1} to ${seq} of ${author} are gone from this disk`)
    }
    for (const { author, seq } of ledger.heads) {
      const from = (before.get(author) ?? 0) + 1
      if (from > seq) continue
      onFound({ author, from, to: seq + 1 })
      if (author !== own.author) continue
      for await (const entries of segments.read(author, from, seq + 1)) entries.forEach(onRecovered)
    }
  }

  /** Writing works again: whoever waited for that goes on. */
  wake(): void {
    for (const wake of this.#onceWritable.splice(0)) wake()
  }

  /** Resolves when nothing stands against writing, or the log is closed. */
  async writable(): Promise<void> {
    if (!this.#parts.queue.isReadOnly || this.#isClosed) return
    await new Promise<void>(resolve => this.#onceWritable.push(resolve))
  }

  /** Tries to take something of a log in, as often as the disk fails meanwhile, and not while its end is not known. */
  async whenWritable(author: AuthorId, attempt: () => Promise<Refusal | undefined>): Promise<Refusal | undefined> {
    for (;;) {
      if (this.#isClosed) return undefined
      if (this.#parts.queue.isReadOnly) {
        await this.writable()
        continue
      }
      const relearning = this.#relearning.get(author)
      if (relearning !== undefined) {
        await relearning
        continue
      }
      try {
        return await attempt()
      } catch (error) {
        if (!(error instanceof ChatError) || error.code === 'LOG_CORRUPT') throw error
        if (error.code === 'LOG_CLOSED') return undefined
        // The disk failed: once it is back, what is still missing is offered again.
      }
    }
  }

  /** Something is missing or damaged that should be there: the log ends before it until it is fetched again. */
  lose(author: AuthorId, missing: Seq): void {
    const { ledger, onWarning, onLost } = this.#parts
    const tip = ledger.tips.get(author)
    if (this.#isClosed || tip === undefined || missing > tip.durable || this.#relearning.has(author)) return
    onWarning(`entry ${missing} of ${author} is missing or damaged on this disk: it is fetched again from peers`)
    tip.durable = missing - 1
    if (!isSigned(author)) {
      tip.planned = shortened(tip.planned, missing - 1)
      onLost(author)
      return
    }
    const relearning = this.#relearn(author, missing)
      .catch(error => {
        if (!this.#isClosed) onWarning(reasonOf(error)) // the database itself is damaged
      })
      .finally(() => this.#relearning.delete(author))
    this.#relearning.set(author, relearning)
  }

  close(): void {
    this.#isClosed = true
    this.wake()
  }

  async #relearn(author: AuthorId, missing: Seq): Promise<void> {
    const { queue, heads, ledger, own, restoration, onLost } = this.#parts
    const damaged = await heads.damaged(author)
    if (damaged.length > 0) await queue.write(damaged)
    const head = await heads.headBefore(author, damaged.length > 0 ? SEQ_MAX + 1 : missing)
    if (author === own.author) {
      // Its places were given out: they are never given again.
      const to = own.head?.seq ?? 0
      own.reset(head, to)
      if ((head?.seq ?? 0) < to) restoration.doubt({ reason: 'behind', to, told: to })
    }
    ledger.put(author, head)
    onLost(author)
  }
}
