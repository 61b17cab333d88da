import { bufferOf } from '../../../base/wire/bytes.js'
import { type Message, placeOf } from '../../../chat/kinds/message.js'
import type { Digest } from '../../../log/format/heads.js'
import type { RoomApi } from '../../../node/room-api.js'
import { orderOf } from './places.js'

/** Entries after a page that are searched for edits of its lines and reactions to them. Most follow within a few entries. */
const FOLLOWING_MAX = 2_000
/** Entries of each log that are read first to find the lines before one, and the factor by which each further attempt reads more. */
const BEFORE_MIN = 16
const BEFORE_FACTOR = 4
/** Entries that are read to fill one page, in a room where most entries are reactions and edits, which have no rows. The page may stay short. */
const READ_MAX = 50_000
/** Guesses for a place in the middle of the history, and the error at which the search stops, in entries. */
const GUESSES_MAX = 6
const OFF_MAX = 200

/** Consecutive messages of the history. */
export interface Stretch {
  /** Sorted by `orderOf`. */
  readonly messages: readonly Message[]
  /** Edits and reactions from the entries after `messages`. */
  readonly following: readonly Message[]
  /** Entries of the room before and after `messages`; 0 only at the ends of the history. */
  readonly before: number
  readonly after: number
}

export type HistoryRoom = Pick<RoomApi, 'heads' | 'labels' | 'before' | 'batches'>

/** Which messages have rows. */
export type HasRow = (message: Message) => boolean

/** Reads parts of a history that is too long to be read as a whole. All methods reject with a ChatError if the log cannot be read. */
export class History {
  readonly #room: HistoryRoom
  readonly #hasRow: HasRow

  constructor(room: HistoryRoom, hasRow: HasRow) {
    this.#room = room
    this.#hasRow = hasRow
  }

  /** The last messages. */
  async last(count: number): Promise<Stretch> {
    for (let last = count; ; last *= BEFORE_FACTOR) {
      const read: Message[] = []
      for await (const batch of this.#room.batches({ last, gaps: true })) read.push(...batch)
      const rows = sorted(read.filter(this.#hasRow))
      if (rows.length < count && last < Math.min(this.#total, READ_MAX)) continue
      const messages = rows.slice(-count)
      return {
        messages,
        following: [],
        before: await this.#countBefore(messages[0], last >= this.#total && rows.length <= count),
        after: 0,
      }
    }
  }

  /** The messages before one. Undefined if it is not stored. */
  async before(place: Digest, count: number): Promise<Stretch | undefined> {
    const found = await this.#before(place, count)
    return found && this.#stretch(found.messages, found.isFirst, { isLast: false, following: [] })
  }

  /** The messages after one; with `isIncluded`, that one too. Undefined if it is not stored. */
  async after(place: Digest, count: number, isIncluded = false): Promise<Stretch | undefined> {
    const found = await this.#after(place, count, isIncluded)
    return found && this.#stretch(found.messages, false, found)
  }

  /** The messages around one. Undefined if it is not stored. */
  async around(place: Digest, count: number): Promise<Stretch | undefined> {
    const half = Math.ceil(count / 2)
    const [older, newer] = await Promise.all([this.#before(place, half), this.#after(place, half, true)])
    if (older === undefined || newer === undefined) return undefined
    return this.#stretch([...older.messages, ...newer.messages], older.isFirst, newer)
  }

  /** The messages near a relative position in the history: 0 is its beginning, 1 its end. */
  async at(part: number, count: number): Promise<Stretch> {
    const place = await this.#placeAt(Math.min(1, Math.max(0, part)))
    return (place && (await this.around(place, count))) ?? this.last(count)
  }

  get #total(): number {
    return this.#room.heads.reduce((sum, { seq }) => sum + seq, 0)
  }

  async #before(
    place: Digest,
    count: number,
  ): Promise<{ readonly messages: readonly Message[]; readonly isFirst: boolean } | undefined> {
    const logs = Math.max(1, this.#room.heads.length)
    for (let each = Math.max(BEFORE_MIN, Math.ceil((2 * count) / logs)); ; each *= BEFORE_FACTOR) {
      const since = await this.#room.before(place, each)
      if (since.length === 0) return undefined
      const read = await this.#readUntil(since, place)
      if (read === undefined) return undefined
      const isFirst = since.every(({ seq }) => seq === 0)
      // Each log was read from some entry on. Before the newest of these entries, the merge lacks lines of some log.
      const bound = isFirst ? '' : boundOf(read, since)
      const messages = sorted(read.filter(message => orderOf(message) >= bound && this.#hasRow(message)))
      const isEnough = messages.length >= count || (messages.length > 0 && each * logs > READ_MAX)
      if (isEnough || isFirst) return { messages: messages.slice(-count), isFirst: isFirst && messages.length <= count }
    }
  }

  /** The messages after `since` and before `place`. Undefined if there is no message at `place`. */
  async #readUntil(since: readonly Digest[], place: Digest): Promise<Message[] | undefined> {
    const read: Message[] = []
    for await (const batch of this.#room.batches({ since, gaps: true }))
      for (const message of batch) {
        if (isAt(message, place)) return read
        read.push(message)
      }
    return undefined
  }

  async #after(
    place: Digest,
    count: number,
    isIncluded: boolean,
  ): Promise<{ messages: readonly Message[]; following: readonly Message[]; isLast: boolean } | undefined> {
    const since = await this.#room.before(place, 0)
    if (since.length === 0) return undefined
    const messages: Message[] = []
    const following: Message[] = []
    let [hasBegun, seen, isLast] = [false, 0, true]
    // Once the page is full, only entries that may change a line are decoded.
    const isWanted = (entry: Uint8Array): boolean => {
      if (messages.length < count) return true
      seen++
      return mayChange(entry)
    }
    for await (const batch of this.#room.batches({ since, gaps: true }, isWanted)) {
      for (const message of batch) {
        const isThere = isAt(message, place)
        const isSkipped = !hasBegun && !(isThere && isIncluded)
        hasBegun ||= isThere
        if (isSkipped) continue
        if (!this.#hasRow(message)) following.push(message)
        else if (messages.length < count) messages.push(message)
        else isLast = false
      }
      if (seen > FOLLOWING_MAX) break
    }
    if (seen > 0) isLast = false
    return { messages: sorted(messages), following, isLast }
  }

  async #stretch(
    messages: readonly Message[],
    isFirst: boolean,
    { following, isLast }: { readonly following: readonly Message[]; readonly isLast: boolean },
  ): Promise<Stretch> {
    const before = await this.#countBefore(messages[0], isFirst)
    const last = messages.at(-1)
    const upToLast = last === undefined ? this.#total : (await this.#indexOf(last)) + 1
    const after = isLast ? 0 : Math.max(1, this.#total - upToLast)
    return { messages, following, before, after }
  }

  async #countBefore(first: Message | undefined, isFirst: boolean): Promise<number> {
    if (first === undefined || isFirst) return 0
    return Math.max(1, await this.#indexOf(first))
  }

  /** How many entries are older than a message. */
  async #indexOf(message: Message): Promise<number> {
    return sumOf(await this.#room.before(placeOf(message), 0))
  }

  /** A place near a relative position: interpolation search for the entry of the longest log with that share of the room's entries before it. */
  async #placeAt(part: number): Promise<Digest | undefined> {
    const [longest] = [...this.#room.heads].sort((a, b) => b.seq - a.seq)
    if (longest === undefined || longest.seq === 0) return undefined
    const { author, seq: end } = longest
    const wanted = part * this.#total
    let [low, high] = [
      { seq: 1, index: 0 },
      { seq: end, index: this.#total },
    ]
    let seq = 1
    for (let guess = 0; guess < GUESSES_MAX && low.seq < high.seq; guess++) {
      const share = (wanted - low.index) / Math.max(1, high.index - low.index)
      seq = Math.min(high.seq, Math.max(low.seq, Math.round(low.seq + share * (high.seq - low.seq))))
      const index = sumOf(await this.#room.before({ author, seq }, 0))
      if (Math.abs(index - wanted) <= OFF_MAX) break
      if (index < wanted) low = { seq: Math.min(end, seq + 1), index }
      else high = { seq: Math.max(1, seq - 1), index }
    }
    return { author, seq }
  }
}

const sumOf = (marks: readonly Digest[]): number => marks.reduce((sum, { seq }) => sum + seq, 0)

/** Whether a message is at a place, or is a gap that covers it. */
function isAt(message: Message, { author, seq }: Digest): boolean {
  if (message.seq > seq || placeOf(message).author !== author) return false
  return message.kind === 'gap' ? seq < message.seq + message.count : message.seq === seq
}

/** The `orderOf` from which on the messages of all logs were read. */
function boundOf(read: readonly Message[], since: readonly Digest[]): string {
  const open = new Set(since.filter(({ seq }) => seq > 0).map(({ author }) => author))
  let bound = ''
  for (const message of read) {
    const { author } = placeOf(message)
    if (!open.delete(author)) continue
    const order = orderOf(message)
    if (order > bound) bound = order
  }
  return bound
}

const sorted = (messages: readonly Message[]): Message[] => {
  const orders = new Map(messages.map(message => [message, orderOf(message)]))
  const of = (message: Message): string => orders.get(message) ?? ''
  return messages.toSorted((a, b) => (of(a) < of(b) ? -1 : of(a) > of(b) ? 1 : 0))
}

const REACTION = Buffer.from('"reaction"')
const EDIT = Buffer.from('"edit"')

/** Whether an entry may be an edit or a reaction; checked on its bytes, because decoding all entries takes longer. */
const mayChange = (entry: Uint8Array): boolean => {
  const bytes = bufferOf(entry)
  return bytes.includes(REACTION) || bytes.includes(EDIT)
}
