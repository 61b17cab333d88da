import type { Millis } from '../../base/clock.js'
import { type AuthorId, authorOfLog, type LogId, type Seq } from '../../log/format/author.js'
import type { Digest } from '../../log/format/heads.js'
import { type Message, placeOf } from '../kinds/message.js'

/** The unread mark, shown above the messages that the user has missed. */
export interface UnreadMark {
  readonly count: number
  /** Whether there are more than `count`. */
  readonly isMore: boolean
  /** When the user left. If that was not recorded: `start` if they have written here before, otherwise `joining`. */
  readonly since: Millis | 'start' | 'joining'
}

export interface UnreadOptions {
  readonly ourId: AuthorId
  /** The heads when the session began. */
  readonly heads: readonly Digest[]
  /** The last seq of each log that the user has read. */
  readonly seen: ReadonlyMap<LogId, Seq>
  readonly leftAt: Millis | undefined
  readonly isHidden: (author: AuthorId) => boolean
  readonly startedAt: Millis
}

/**
 * Places one unread mark per session: in the history if it contains missed messages, otherwise above the first ones that
 * arrive.
 */
export class Unread {
  readonly #options: UnreadOptions
  /** Whether the user has written here before, perhaps with a face that does not record what was read. */
  readonly #wasHere: boolean
  #isMarked = false

  constructor(options: UnreadOptions) {
    this.#options = options
    this.#wasHere = options.heads.some(({ author, seq }) => authorOfLog(author) === options.ourId && seq > 0)
  }

  /** The mark above a message of the history, if it is the first that was missed. */
  markAbove(message: Message): UnreadMark | undefined {
    const { ourId, heads, seen, leftAt, isHidden } = this.#options
    const { author, seq } = placeOf(message)
    if (this.#isMarked || message.author === ourId || seq <= (seen.get(author) ?? 0)) return undefined
    if (leftAt === undefined && this.#wasHere) return undefined
    this.#isMarked = true
    const count = heads
      .filter(head => authorOfLog(head.author) !== ourId && !isHidden(authorOfLog(head.author)))
      .reduce((sum, head) => sum + Math.max(0, head.seq - (seen.get(head.author) ?? 0)), 0)
    return { count, isMore: false, since: this.#since }
  }

  /** Whether an arriving message was written before this session started, and no mark is placed yet. */
  isMissed({ author, timeMs }: Message): boolean {
    return !this.#isMarked && author !== this.#options.ourId && timeMs < this.#options.startedAt
  }

  /** The mark above the first missed messages that arrive. `isMore`: further ones are still arriving. */
  markArrivals(count: number, isMore: boolean): UnreadMark | undefined {
    if (this.#isMarked || count === 0) return undefined
    this.#isMarked = true
    return { count, isMore, since: this.#since }
  }

  get #since(): UnreadMark['since'] {
    return this.#options.leftAt ?? (this.#wasHere ? 'start' : 'joining')
  }
}
