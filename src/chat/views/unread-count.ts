import { type AuthorId, authorOfLog, type LogId, logOf, type Seq } from '../../log/format/author.js'
import type { Digest } from '../../log/format/heads.js'
import { Places } from '../../log/format/places.js'
import type { ReadMark } from '../../log/options.js'
import { isLine } from '../kinds/kinds.js'
import { type Message, placeOf } from '../kinds/message.js'
import type { OwnTarget } from '../kinds/target.js'

export interface UnreadCountOptions {
  readonly ourId: AuthorId
  readonly isHidden: (author: AuthorId) => boolean
  /** Whether the user has hidden a line. Default: the user has hidden no line. */
  readonly isHiddenLine?: ((place: Digest) => boolean) | undefined
  readonly isMention: (message: Message) => boolean
}

/**
 * The unread places of one log: those beyond its read mark, and those that had no content when the mark passed them.
 */
interface UnreadLog {
  mark: Seq
  /** The last place that was noted. */
  last: Seq
  /** Places beyond the mark that are not counted. */
  readonly uncounted: Places
  /** Places that had no content when the mark passed them, and those among them that have a message now. */
  passed: Places
  readonly late: Places
  /** Places that their author erased. */
  readonly erased: Places
  /** Unread messages that mention the user. */
  mentions: Seq[]
}

/**
 * Counts the messages of a room that the user has not read: a function of the logs and the read marks. Call `note` with
 * every message beyond the marks, in the order of each log, and with messages at `passed` places whose content arrives
 * late. Marks may move at any time.
 */
export class UnreadCount {
  readonly #options: UnreadCountOptions
  readonly #logs = new Map<LogId, UnreadLog>()

  constructor(options: UnreadCountOptions, marks: readonly ReadMark[]) {
    this.#options = options
    for (const { author, seq, passed } of marks) this.#logs.set(author, newLog(seq, passed))
  }

  note(message: Message): void {
    if (message.author === this.#options.ourId || message.kind === 'gap') return
    if (message.kind === 'delete') this.#erase(message.author, message.to, message.count)
    const { author, seq } = placeOf(message)
    const log = this.#logOf(author)
    const isCounted = isLine(message) && !log.erased.has(seq) && this.#options.isHiddenLine?.({ author, seq }) !== true
    if (seq <= log.mark) {
      if (!isCounted || !log.passed.has(seq) || log.late.has(seq)) return
      log.late.add(seq, seq + 1)
    } else if (seq > log.last) {
      log.uncounted.add(log.last + 1, seq) // entries that are not messages, and places without content
      if (!isCounted) log.uncounted.add(seq, seq + 1)
      log.last = seq
    } else {
      if (!isCounted || !log.uncounted.has(seq)) return
      log.uncounted.remove(seq, seq + 1) // its content arrived late
    }
    if (isCounted && this.#options.isMention(message)) log.mentions.push(seq)
  }

  /** Erased lines are not counted, even if they are noted later. */
  #erase(author: AuthorId, { run, seq }: OwnTarget, count: number): void {
    const log = this.#logOf(logOf(author, run))
    const end = seq + count
    log.erased.add(seq, end)
    const [from, to] = [Math.max(seq, log.mark + 1), Math.min(end, log.last + 1)]
    if (from < to) log.uncounted.add(from, to)
    log.late.remove(seq, end)
    log.mentions = log.mentions.filter(mention => mention < seq || mention >= end)
  }

  /**
   * Moves the mark of a log forward. If `seq` is not beyond the mark, notes that the message there was read, whose
   * content arrived late.
   */
  markRead({ author, seq, passed }: ReadMark): void {
    const log = this.#logOf(author)
    if (passed !== undefined && seq >= log.mark) log.passed = new Places(passed)
    else if (seq <= log.mark) log.passed.remove(seq, seq + 1)
    log.mark = Math.max(log.mark, seq)
    log.last = Math.max(log.last, seq)
    log.uncounted.remove(0, log.mark + 1)
    for (const { from, to } of log.late.ranges)
      for (let late = from; late < to; late++) if (!log.passed.has(late)) log.late.remove(late, late + 1)
    log.mentions = log.mentions.filter(mention => mention > log.mark || log.late.has(mention))
  }

  /** The log is gone: none of its messages is unread. */
  forget(log: LogId): void {
    this.#logs.delete(log)
  }

  get unread(): number {
    return this.#sum(({ mark, last, uncounted, late }) => last - mark - uncounted.count + late.count)
  }

  /** Unread messages that mention the user. */
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

const newLog = (mark: Seq, passed: ReadMark['passed'] = []): UnreadLog => ({
  mark,
  last: mark,
  uncounted: new Places(),
  passed: new Places(passed),
  late: new Places(),
  erased: new Places(),
  mentions: [],
})
