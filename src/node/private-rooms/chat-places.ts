import { EventEmitter } from 'node:events'
import { bufferOf, hexOf, sameBytes } from '../../base/wire/bytes.js'
import { authorOfLog, isBranch, isSigned, type LogId, runOf, type Seq } from '../../log/format/author.js'
import { isControl } from '../../log/format/control.js'
import type { Entry } from '../../log/format/entry.js'
import { CHAIN_PREFIX_BYTES } from '../../log/format/heads.js'
import type { Log } from '../../log/log.js'
import { type ChatPlace, NO_OPERATION, type TermId } from '../../membership/format/body.js'
import type { RoomMembers } from './room-members.js'

/** Largest number of logs whose claimed terms are tracked. */
const CLAIMED_MAX = 1_000

/** Entries that counted before and no longer count. */
export interface Withdrawn {
  readonly log: LogId
  readonly from: Seq
  readonly to: Seq
}

interface ChatPlacesEvents {
  withdrawn: [Withdrawn]
}

type ComparedLog = Pick<Log, 'head' | 'marksNow' | 'chainAt' | 'startOf' | 'entry'>

const ADMISSION = /"admission":"([0-9a-f]{64})","username":""/

/**
 * Decides which entries of the chat logs in a private room count: all entries of members, the entries of a former
 * member up to the chat place of their term, and none of others. A run belongs to the term that its first entry names,
 * or to the first term of its author; a branch belongs to its run.
 */
export class ChatPlaces extends EventEmitter<ChatPlacesEvents> {
  #members: RoomMembers | undefined
  #startOf: (log: LogId) => LogId = log => log
  readonly #terms = new Map<LogId, TermId>()
  /** Terms that logs claim and whose first entry is not verified yet. */
  readonly #claimed = new Map<LogId, TermId>()
  /** The last entry of each former member's log that counts, in the histories that are stored here. */
  #compared: ReadonlyMap<LogId, Seq> = new Map()
  #comparing: Promise<void> = Promise.resolve()
  /**
   * The last entry of each log that counted at the latest comparison or, if the log is newer, when it was first stored.
   */
  #counted = new Map<LogId, Seq>()

  /** Reads which terms the stored logs belong to. Until then, no log is accepted. */
  async read(log: ComparedLog, members: RoomMembers): Promise<void> {
    this.#startOf = author => log.startOf(author)
    await this.#readTerms(log)
    this.#members = members
    await this.#compare(log)
  }

  /** Reads the terms of stored logs and of logs stored from now on, and assigns our own log to our current term. */
  async follow(log: Log, members: RoomMembers): Promise<void> {
    await this.read(log, members)
    log.on('entries', ({ author, from }) => void (from === 1 && this.#readTerm(log, author).catch(() => {}))) // a damaged log is reported elsewhere
    const stored = this.#terms.get(log.id) ?? NO_OPERATION
    const update = (): void => {
      const term = members.membership.currentTerm(members.me)
      if (term !== undefined) log.enterTerm(admissionOf(term.id), admissionOf(stored))
    }
    members.on('change', update)
    update()
    const compare = (): void => {
      this.#comparing = this.#comparing.then(() => this.#compare(log)).catch(() => {}) // the log was closed
    }
    members.on('change', compare)
    log.on('event', ({ kind }) => void (kind === 'fork-proven' && compare()))
    log.on('entries', ({ author }) => {
      if (!this.#counted.has(author)) this.#counted.set(author, this.#countedOf(author))
      if (this.#chatOf(author, this.#termOf(author)) !== 'all') compare()
    })
  }

  /**
   * Finds the history that each chat place names by its chain value. In a forked log, that is the part before the fork
   * and one branch. If our copy of a log has a different chain value at the place, no entry of the log counts until the
   * fork is proven.
   */
  async #compare(log: ComparedLog): Promise<void> {
    await this.#readTerms(log)
    const compared = new Map<LogId, Seq>()
    for (const { author: id } of log.head) {
      const chat = isSigned(id) ? this.#chatOf(id, this.#termOf(id)) : undefined
      const place = chat === 'all' ? undefined : chat?.find(({ run }) => run === runOf(id))
      if (place === undefined) continue
      const chain = Buffer.from(place.chain, 'hex').subarray(0, CHAIN_PREFIX_BYTES)
      const here = await log.marksNow([{ author: id, seq: place.seq, chain }])
      for (const { author, seq } of here) compared.set(author, seq)
      const own = here.length === 1 ? await log.chainAt(id, place.seq) : undefined
      if (own !== undefined && !sameBytes(own, chain)) compared.set(id, 0)
    }
    this.#compared = compared
    this.#reportWithdrawn(log)
  }

  #reportWithdrawn({ head }: Pick<Log, 'head'>): void {
    const before = this.#counted
    this.#counted = new Map(head.map(({ author }) => [author, this.#countedOf(author)]))
    for (const { author: log, seq } of head) {
      const [from, to] = [(this.#counted.get(log) ?? 0) + 1, Math.min(seq, before.get(log) ?? 0)]
      if (from <= to) this.emit('withdrawn', { log, from, to })
    }
  }

  #countedOf(log: LogId): Seq {
    return this.#compared.get(log) ?? this.lastOf(log)
  }

  /** Reads the terms of new logs, including branches. */
  async #readTerms(log: Pick<Log, 'head' | 'entry'>): Promise<void> {
    for (const { author } of log.head) if (!this.#terms.has(author)) await this.#readTerm(log, author)
  }

  #termOf(log: LogId): TermId | undefined {
    return this.#terms.get(this.#startOf(log))
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

  /** Whether an entry is shown. An entry of our own new run is shown even before the term of the run has been read. */
  #isShown({ author, seq }: Pick<Entry, 'author' | 'seq'>, isOurs: boolean): boolean {
    const isNewRun = isOurs && !isBranch(author) && !this.#terms.has(author)
    return isNewRun || seq <= this.#countedOf(author)
  }

  /** The last entry that counts in a log, or 0. `first` is the first entry of the log, if that is not stored yet. */
  lastOf(log: LogId, first?: Uint8Array): Seq {
    if (this.#members === undefined || !isSigned(log)) return 0
    const start = this.#startOf(log)
    const claimed = first === undefined || start !== log ? this.#claimed.get(start) : termIn(first)
    const term = this.#terms.get(start) ?? claimed ?? NO_OPERATION
    if (first !== undefined && start === log && this.#claimed.size < CLAIMED_MAX) this.#claimed.set(log, term)
    const chat = this.#chatOf(log, term)
    if (chat === 'all') return Number.POSITIVE_INFINITY
    // Accepts entries of another history too, so that the fork can be proven.
    return Math.max(chat?.find(({ run }) => run === runOf(log))?.seq ?? 0, this.#compared.get(log) ?? 0)
  }

  /** Which entries of a log of this term count: all, those up to a chat place, or none. */
  #chatOf(log: LogId, term: TermId | undefined): ChatPlace | 'all' | undefined {
    return this.#members?.membership.chatOf(authorOfLog(log), term)
  }
}

const admissionOf = (term: TermId): string | undefined => (term === NO_OPERATION ? undefined : term)

function termIn(entry: Uint8Array | undefined): TermId {
  if (entry === undefined || !isControl(entry)) return NO_OPERATION
  return (ADMISSION.exec(bufferOf(entry).toString('latin1'))?.[1] ?? NO_OPERATION) as TermId
}

/** Leaves out the entries that do not count in a private room; in other rooms all entries count. */
export type Counted = (entries: readonly Entry[]) => readonly Entry[]

/** The filter for logs that are opened for reading only. `members` is undefined if the room is not private. */
export async function countedIn(log: Log, members: RoomMembers | undefined): Promise<Counted> {
  if (members === undefined) return entries => entries
  const places = new ChatPlaces()
  await places.read(log, members)
  return entries => places.counted(log, entries)
}

/** The ends of somebody's logs, as a removal or a leave names them. */
export const chatPlaceOf = (ends: ReturnType<Log['endsOf']>): ChatPlace =>
  ends.map(({ run, seq, chain }) => ({ run, seq, chain: hexOf(chain) })).sort((a, b) => a.run - b.run)
