import { hash } from '../../base/crypto/hash.js'
import type { AuthorId } from '../../log/format/author.js'
import { compareEnd, type DoubtReason } from '../../log/mark/doubt.js'
import { BATCH_BYTES_MAX, type End, type EndMark } from '../../log/mark/mark.js'
import type { Put } from '../../log/store/store.js'
import type { Operation } from '../../membership/format/operation.js'

/** Records the end of our operations outside the database. */
export interface OperationsMark extends EndMark {
  /** The end that was recorded before. */
  readonly found: End | undefined
  /** Whether the mark was found in a copy of the file that it was written to: the directory was copied or restored. */
  readonly isMoved: boolean
  release(): Promise<void>
}

/** A mark describes a log by its run. All our operations in a room are treated as one log. */
const RUN = 0

/**
 * The end of our operations in a room: how many we signed, and a digest of their ids. As for the log of the chat, a
 * mark outside the database records the end before an operation is sent. If this disk has fewer operations than the
 * mark says, or is a copy, the end is in doubt: an operation that is signed now could reuse the place of another one.
 * docs/protocol/membership.md §9.10.
 */
export class OwnOperations {
  readonly #me: AuthorId
  readonly #mark: OperationsMark | undefined
  #doubt: DoubtReason | undefined

  /** Without a mark, the end is never in doubt. */
  constructor(me: AuthorId, mark: OperationsMark | undefined) {
    this.#me = me
    this.#mark = mark
  }

  /** Why nothing is signed for now. */
  get doubt(): DoubtReason | undefined {
    return this.#doubt
  }

  /**
   * Compares the operations in the database with the mark. Returns the rows of a batch that did not reach the database
   * because of a crash; the caller stores them, and compares again.
   */
  async compare(stored: Iterable<Operation>): Promise<readonly Put[]> {
    if (this.#mark === undefined) return []
    const { seq, chain } = this.#endOf(stored)
    const finding = compareEnd(this.#mark, { run: RUN, head: { seq, chain }, isNewKey: false, isRepaired: false })
    if (finding.kind === 'unfinished') return finding.rows
    if (finding.kind === 'doubt') this.#doubt = finding.reason
    else await this.#mark.reset({ run: RUN, seq, chain })
    return []
  }

  /** These are all our operations, so the end is known. Resolves when the mark records it. */
  async settle(stored: Iterable<Operation>): Promise<void> {
    this.#doubt = undefined
    await this.#mark?.reset({ run: RUN, ...this.#endOf(stored) })
  }

  /**
   * Records the end after a batch that is being written. Resolves when the mark is on disk; until then, nothing of the
   * batch may be sent.
   */
  async advance(before: Iterable<Operation>, after: Iterable<Operation>, rows: readonly Put[]): Promise<void> {
    if (this.#mark === undefined || this.#doubt !== undefined) return
    const [from, to] = [this.#endOf(before), this.#endOf(after)]
    if (to.seq === from.seq) return
    const bytes = rows.reduce((sum, { key, value }) => sum + key.length + value.length, 0)
    await this.#mark.advance({ run: RUN, ...to, ...(bytes <= BATCH_BYTES_MAX && { batch: { before: from, rows } }) })
  }

  async close(): Promise<void> {
    await this.#mark?.release()
  }

  #endOf(operations: Iterable<Operation>): { readonly seq: number; readonly chain: Uint8Array } {
    const ids = [...operations].flatMap(({ author, id }) => (author === this.#me ? [id] : [])).sort()
    return { seq: ids.length, chain: hash(Buffer.from(ids.join(''), 'hex')) }
  }
}
