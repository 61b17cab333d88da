import type { Millis } from '../../base/clock.js'
import type { AuthorId, LogId, Seq } from '../../log/format/author.js'
import type { Digest } from '../../log/format/heads.js'
import { type PlaceRange, Places } from '../../log/format/places.js'
import { isLine } from '../kinds/kinds.js'
import { type Message, placeOf } from '../kinds/message.js'
import { UnreadCount } from './unread-count.js'

/** Counting stops at this number; the mark then says that there are more. */
export const UNREAD_COUNTED_MAX = 10_000

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
  /** Whether the user has written here before, perhaps with a face that does not record read marks. */
  readonly wasHere: boolean
  /** Read marks: the last seq of each log that the user has read. */
  readonly seen: ReadonlyMap<LogId, Seq>
  /** Places up to `seen` that had no content when the mark passed them. */
  readonly passed?: ReadonlyMap<LogId, readonly PlaceRange[]>
  readonly leftAt: Millis | undefined
  readonly isHidden: (author: AuthorId) => boolean
  readonly isHiddenLine?: (place: Digest) => boolean
  readonly startedAt: Millis
}

/**
 * Places one unread mark per session: in the history if it contains missed messages, otherwise above the first ones that
 * arrive.
 */
export class Unread {
  readonly #options: UnreadOptions
  readonly #history: UnreadCount
  readonly #passed: ReadonlyMap<LogId, Places>
  #isMarked = false

  constructor(options: UnreadOptions) {
    this.#options = options
    this.#passed = new Map([...(options.passed ?? [])].map(([log, ranges]) => [log, new Places(ranges)]))
    const marks = [...options.seen].map(([author, seq]) => ({
      author,
      seq,
      passed: this.#passed.get(author)?.ranges ?? [],
    }))
    this.#history = new UnreadCount({ ...options, isMention: () => false }, marks)
  }

  /**
   * Counts a message of the history. Call it with all unread messages before any of them is shown, in the order of each
   * log. Returns whether more messages have to be counted.
   */
  note(message: Message): boolean {
    this.#history.note(message)
    return this.#history.unread < UNREAD_COUNTED_MAX
  }

  /** The mark above a message of the history, if it is the first that was missed. */
  markAbove(message: Message): UnreadMark | undefined {
    const { seen, leftAt, wasHere } = this.#options
    const { author, seq } = placeOf(message)
    const isRead = seq <= (seen.get(author) ?? 0) && this.#passed.get(author)?.has(seq) !== true
    if (isRead || !this.#mayMark(message)) return undefined
    if (leftAt === undefined && wasHere) return undefined
    this.#isMarked = true
    const count = this.#history.unread
    return { count, isMore: count >= UNREAD_COUNTED_MAX, since: this.#since }
  }

  /** Whether an arriving message was written before this session started, and no mark is placed yet. */
  isMissed(message: Message): boolean {
    return message.timeMs < this.#options.startedAt && this.#mayMark(message)
  }

  /** The mark above the first missed messages that arrive. `isMore`: further ones are still arriving. */
  markArrivals(count: number, isMore: boolean): UnreadMark | undefined {
    if (this.#isMarked || count === 0) return undefined
    this.#isMarked = true
    return { count, isMore, since: this.#since }
  }

  #mayMark(message: Message): boolean {
    return !this.#isMarked && message.author !== this.#options.ourId && isLine(message)
  }

  get #since(): UnreadMark['since'] {
    return this.#options.leftAt ?? (this.#options.wasHere ? 'start' : 'joining')
  }
}
