import { type AuthorId, authorOfLog, type LogId, type Seq } from '../../log/format/author.js'
import type { Digest } from '../../log/format/heads.js'
import { countsAsUnread } from '../kinds/kinds.js'
import { type Message, placeOf } from '../kinds/message.js'

export interface UnreadCountOptions {
  readonly ourId: AuthorId
  readonly isHidden: (author: AuthorId) => boolean
  readonly isMention: (message: Message) => boolean
}

/** Places of a log, from the first to the last. */
interface Places {
  readonly from: Seq
  readonly to: Seq
}

/** What is known of a log beyond its read mark. */
interface UnreadLog {
  mark: Seq
  /** The last place that was noted. */
  last: Seq
  /** Places beyond the mark that do not count, in order. */
  uncounted: Places[]
  /** Messages beyond the mark that mention the user, in order. */
  mentions: Seq[]
}

/**
 * How many messages of a room the user has not read: a function of the logs and the read marks. Note every message beyond the marks,
 * each log in order; marks may move at any time.
 */
export class UnreadCount {
  readonly #options: UnreadCountOptions
  readonly #logs = new Map<LogId, UnreadLog>()

  constructor(options: UnreadCountOptions, marks: readonly Digest[]) {
    this.#options = options
    for (const { author, seq } of marks) this.#logs.set(author, newLog(seq))
  }

  note(message: Message): void {
    if (message.author === this.#options.ourId) return
    const { author, seq } = placeOf(message)
    const log = this.#logOf(author)
    if (seq <= log.last) return
    if (seq > log.last + 1) add(log.uncounted, { from: log.last + 1, to: seq - 1 }) // entries that are no messages
    if (!countsAsUnread(message)) add(log.uncounted, { from: seq, to: seq })
    else if (this.#options.isMention(message)) log.mentions.push(seq)
    log.last = seq
  }

  /** Moves the mark of a log forward; a mark never moves back. */
  markRead({ author, seq }: Digest): void {
    const log = this.#logOf(author)
    if (seq <= log.mark) return
    log.mark = seq
    log.last = Math.max(log.last, seq)
    log.mentions = log.mentions.filter(mention => mention > seq)
    log.uncounted = log.uncounted.flatMap(({ from, to }) => (to > seq ? [{ from: Math.max(from, seq + 1), to }] : []))
  }

  get unread(): number {
    return this.#sum(({ mark, last, uncounted }) =>
      uncounted.reduce((count, { from, to }) => count - (to - from + 1), last - mark),
    )
  }

  /** How many of them mention the user. */
  get mentions(): number {
    return this.#sum(log => log.mentions.length)
  }

  #sum(countOf: (log: UnreadLog) => number): number {
    let sum = 0
    for (const [author, log] of this.#logs) if (!this.#options.isHidden(authorOfLog(author))) sum += countOf(log)
    return sum
  }

  #logOf(author: LogId): UnreadLog {
    const known = this.#logs.get(author)
    if (known !== undefined) return known
    const log = newLog(0)
    this.#logs.set(author, log)
    return log
  }
}

const newLog = (mark: Seq): UnreadLog => ({ mark, last: mark, uncounted: [], mentions: [] })

/** Adds places after all others; adjacent ones are joined. */
function add(places: Places[], { from, to }: Places): void {
  const last = places.at(-1)
  if (last !== undefined && last.to === from - 1) places[places.length - 1] = { from: last.from, to }
  else places.push({ from, to })
}
