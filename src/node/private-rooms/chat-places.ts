import { bufferOf } from '../../base/wire/bytes.js'
import { authorOfLog, isSigned, type LogId, runOf, type Seq } from '../../log/format/author.js'
import { isControl } from '../../log/format/control.js'
import type { Entry } from '../../log/format/entry.js'
import type { Log } from '../../log/log.js'
import { NO_OPERATION, type TermId } from '../../membership/format/body.js'
import type { RoomMembers } from './room-members.js'

/** Logs that are being stored at a time. */
const CLAIMED_MAX = 1_000

const ADMISSION = /"admission":"([0-9a-f]{64})","username":""/

/**
 * Decides how far each log of chat in a private room counts: all of it for members, up to their term's chat place for former members,
 * nothing for others. A log belongs to the term that its first entry names, or to the first term of its author.
 */
export class ChatPlaces {
  #members: RoomMembers | undefined
  readonly #terms = new Map<LogId, TermId>()
  /** Terms that logs claim while they are being stored: their first entry is not verified yet. */
  readonly #claimed = new Map<LogId, TermId>()

  /** Reads which terms the stored logs belong to. Until then, no log is accepted. */
  async read(log: Pick<Log, 'head' | 'entry'>, members: RoomMembers): Promise<void> {
    for (const { author } of log.head) await this.#readTerm(log, author)
    this.#members = members
  }

  /** Reads them, and those that are stored from now on; our own log is in the term that is current. */
  async follow(log: Log, members: RoomMembers): Promise<void> {
    await this.read(log, members)
    log.on('entries', ({ author, from }) => void (from === 1 && this.#readTerm(log, author).catch(() => {}))) // a damaged log is reported by others
    const stored = this.#terms.get(log.id) ?? NO_OPERATION
    const update = (): void => {
      const term = members.membership.currentTerm(members.me)
      if (term !== undefined) log.enterTerm(admissionOf(term.id), admissionOf(stored))
    }
    members.on('change', update)
    update()
  }

  async #readTerm(log: Pick<Log, 'entry'>, author: LogId): Promise<void> {
    const first = await log.entry(author, 1)
    this.#terms.set(author, termIn(first?.entry))
    this.#claimed.delete(author)
  }

  /** The entries that are shown. */
  counted(log: Pick<Log, 'isOurs'>, entries: readonly Entry[]): readonly Entry[] {
    return entries.filter(entry => this.#isShown(entry, log.isOurs(entry.author)))
  }

  /** Whether an entry is shown. Our own new run is, also before it was read to which term it belongs. */
  #isShown({ author, seq }: Pick<Entry, 'author' | 'seq'>, isOurs: boolean): boolean {
    return (isOurs && !this.#terms.has(author)) || seq <= this.lastOf(author)
  }

  /** The last entry of a log that counts, or 0. `first` is the first entry of the log where it is not stored yet. */
  lastOf(log: LogId, first?: Uint8Array): Seq {
    if (this.#members === undefined || !isSigned(log)) return 0
    const term = this.#terms.get(log) ?? (first === undefined ? this.#claimed.get(log) : termIn(first)) ?? NO_OPERATION
    if (first !== undefined && this.#claimed.size < CLAIMED_MAX) this.#claimed.set(log, term)
    const chat = this.#members.membership.chatOf(authorOfLog(log), term)
    if (chat === 'all') return Number.POSITIVE_INFINITY
    return chat?.find(({ run }) => run === runOf(log))?.seq ?? 0
  }
}

const admissionOf = (term: TermId): string | undefined => (term === NO_OPERATION ? undefined : term)

function termIn(entry: Uint8Array | undefined): TermId {
  if (entry === undefined || !isControl(entry)) return NO_OPERATION
  return (ADMISSION.exec(bufferOf(entry).toString('latin1'))?.[1] ?? NO_OPERATION) as TermId
}
