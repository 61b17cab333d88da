import { isLine } from '../chat/kinds/kinds.js'
import { type Message, messageOf, placeOf } from '../chat/kinds/message.js'
import type { LineLabels } from '../chat/line-labels.js'
import { keyOfPlace } from '../chat/views/lines.js'
import { BLOCK_PLACES } from '../log/content/block-rows.js'
import { type AuthorId, authorOfLog, isSigned, type LogId, logOf, type Seq } from '../log/format/author.js'
import type { Entry } from '../log/format/entry.js'
import { withContent } from '../log/format/gap.js'
import type { Digest } from '../log/format/heads.js'
import { millisOf } from '../log/format/hybrid-clock.js'
import type { Log } from '../log/log.js'
import { Matcher } from './matcher.js'
import type { Query } from './query.js'
import { decodeWordBlock, WordHash } from './word-filter.js'
import { fromWord, searchedText } from './word-index.js'

/** Places that are read at a time where blocks have no filter, and where adjacent blocks may match. */
const SCANNED_PLACES = 4_096
const JOINED_PLACES = 1_024

export interface SearchedRoom {
  readonly log: Pick<Log, 'head' | 'entry' | 'entries' | 'blocks' | 'placeOf'>
  /** The entries that are shown. */
  counted(entries: readonly Entry[]): readonly Entry[]
  /** The edits of a line. */
  editsOf(place: Digest): Promise<readonly Digest[]>
  /** Assigns labels to the logs of entries. */
  cover(entries: readonly Entry[]): Promise<void>
  readonly labels: LineLabels
  /** The keys that the user has bound a name to. */
  keysNamed(name: string): readonly AuthorId[]
}

export interface SearchOptions {
  /** Whether the lines of an author are left out. */
  readonly isHidden?: (author: AuthorId) => boolean
  readonly signal?: AbortSignal | undefined
  /** Called with the number of places read so far, and the number of places to read. */
  readonly onProgress?: (done: number, of: number) => void
}

/** A line that was found. */
export interface FoundLine {
  readonly entry: Entry
  /** Its message, as it was written. */
  readonly message: Message
  /** Its last edit; undefined if it was not edited. */
  readonly edit?: Edit | undefined
}

interface Edit {
  readonly entry: Entry
  readonly message: EditMessage
}

type EditMessage = Message & { readonly kind: 'edit' }

/** The message of a line with its current text. */
export const currentMessage = ({ message, edit }: FoundLine): Message =>
  edit === undefined ? message : { ...message, message: edit.message.text }

/** Places that may match, and an upper bound on their times. */
interface Candidate {
  readonly author: LogId
  readonly from: Seq
  to: Seq
  newestMs: number
}

/**
 * Finds the lines of a room that a query describes, the newest first. The filters of the word index rule out blocks; all other blocks,
 * and those without a filter, are read. Results come from the log alone.
 */
export class Search {
  readonly #room: SearchedRoom
  readonly #query: Query
  readonly #matcher: Matcher
  readonly #options: SearchOptions
  /** The lines that were found, or whose last edit does not match: more of their edits may match. */
  readonly #checked = new Set<string>()

  constructor(room: SearchedRoom, query: Query, options: SearchOptions = {}) {
    this.#room = room
    this.#query = query
    this.#options = options
    this.#matcher = new Matcher(query, name => room.keysNamed(name))
  }

  async *lines(): AsyncGenerator<FoundLine> {
    const { signal, onProgress } = this.#options
    const candidates = (await this.#candidates()).sort((a, b) => b.newestMs - a.newestMs || b.from - a.from)
    const of = candidates.reduce((sum, { from, to }) => sum + to - from, 0)
    let done = 0
    let waiting: FoundLine[] = []
    for (const [index, candidate] of candidates.entries()) {
      if (signal?.aborted) return
      const found = await this.#linesIn(candidate)
      done += candidate.to - candidate.from
      onProgress?.(done, of)
      if (found.length > 0) waiting = [...waiting, ...found].sort(newestFirst)
      const next = candidates[index + 1]?.newestMs ?? Number.NEGATIVE_INFINITY
      while (waiting[0] !== undefined && millisOf(waiting[0].entry.at) >= next) {
        const line = await this.#current(waiting.shift() as FoundLine)
        if (line !== undefined) yield line
      }
    }
  }

  async #candidates(): Promise<Candidate[]> {
    const all: Candidate[] = []
    for (const { author, seq } of this.#room.log.head) {
      if (this.#options.isHidden?.(authorOfLog(author)) === true) continue
      if (isSigned(author)) all.push(...(await this.#signedCandidates(author, seq)))
      else all.push({ author, from: 1, to: seq + 1, newestMs: Number.POSITIVE_INFINITY })
    }
    return all
  }

  async #signedCandidates(author: LogId, last: Seq): Promise<Candidate[]> {
    const { log } = this.#room
    const { phrases, from, sinceMs = 0 } = this.#query
    const words = phrases.flatMap(({ words, isPrefix }) => (isPrefix ? words.slice(0, -1) : words))
    const needed = words.map(word => new WordHash(word))
    const names = this.#matcher.mayBeOf(authorOfLog(author)) ? [] : from.map(name => new WordHash(fromWord(name)))
    const candidates: Candidate[] = []
    const add = (candidate: Candidate, placesMax: number): void => {
      const before = candidates.at(-1)
      if (before?.to === candidate.from && candidate.to - before.from <= placesMax) {
        before.to = candidate.to
        before.newestMs = Math.max(before.newestMs, candidate.newestMs)
      } else candidates.push(candidate)
    }
    let next: Seq = 1
    for await (const rows of log.blocks.read(author))
      for (const { first, value } of rows) {
        const block = decodeWordBlock(value)
        if (block === undefined || first < next || first + BLOCK_PLACES - 1 > last) continue
        candidates.push(...(await this.#unindexed(author, next, first)))
        next = first + BLOCK_PLACES
        const { filter, newestMs } = block
        const isRuledOut =
          newestMs < sinceMs ||
          needed.some(hash => !hash.mayBeIn(filter)) ||
          (names.length > 0 && !names.some(hash => hash.mayBeIn(filter)))
        if (!isRuledOut) add({ author, from: first, to: next, newestMs }, JOINED_PLACES)
      }
    return [...candidates, ...(await this.#unindexed(author, next, last + 1))]
  }

  /** Places without a filter, all of which have to be read. */
  async #unindexed(author: LogId, from: Seq, to: Seq): Promise<Candidate[]> {
    const candidates: Candidate[] = []
    for (let first = from; first < to; first += SCANNED_PLACES) {
      const end = Math.min(to, first + SCANNED_PLACES)
      // The entries of a signed log are in the order of their times. Reading a few entries takes no longer than reading the last of them alone.
      const last = end - first < BLOCK_PLACES ? undefined : await this.#room.log.entry(author, end - 1)
      const newestMs = last === undefined ? Number.POSITIVE_INFINITY : Math.ceil(millisOf(last.at))
      candidates.push({ author, from: first, to: end, newestMs })
    }
    return candidates
  }

  async #linesIn({ author, from, to }: Candidate): Promise<FoundLine[]> {
    const lines: FoundLine[] = []
    for await (const entries of this.#room.log.entries({ author, from, to })) {
      const shown = this.#room.counted(withContent(entries))
      for (const entry of shown) {
        if (!this.#matcher.mayMatch(entry.entry)) continue
        const line = await this.#lineOf(entry)
        if (line !== undefined) lines.push(line)
      }
      if (this.#options.signal?.aborted) break
    }
    return lines
  }

  /** If the text of an entry matches: the line in it or, for an edit, the edited line. */
  async #lineOf(entry: Entry): Promise<FoundLine | undefined> {
    const message = messageOf(entry)
    const text = message && searchedText(message)
    if (message === undefined || text === undefined || !this.#matcher.hasText(text)) return undefined
    const line = message.kind === 'edit' ? await this.#edited(message) : { entry, message }
    return line !== undefined && this.#matcher.isFrom(line.message) ? line : undefined
  }

  /** The line with its last edit, unless that does not match, or the line was checked already. */
  async #current({ entry, message }: FoundLine): Promise<FoundLine | undefined> {
    const { author, seq } = entry
    const key = keyOfPlace(author, seq)
    if (this.#checked.has(key)) return undefined
    this.#checked.add(key)
    const edit = isLine(message) ? await this.#lastEdit({ author, seq }) : undefined
    if (edit !== undefined && !this.#matcher.hasText(edit.message.text)) return undefined
    await this.#room.cover([entry])
    return { entry, message: { ...message, label: this.#room.labels.labelOf(author, seq) }, edit }
  }

  /** The line that an edit refers to, if there is one. */
  async #edited({ author, to }: EditMessage): Promise<FoundLine | undefined> {
    const place = this.#room.log.placeOf({ author: logOf(author, to.run), seq: to.seq })
    const entry = await this.#room.log.entry(place.author, place.seq)
    const [shown] = entry === undefined ? [] : this.#room.counted([entry])
    const message = shown && messageOf(shown)
    return shown !== undefined && message !== undefined && isLine(message) ? { entry: shown, message } : undefined
  }

  /** The last edit of a line; undefined if it was not edited. */
  async #lastEdit(place: Digest): Promise<Edit | undefined> {
    let last: Edit | undefined
    for (const { author, seq } of await this.#room.editsOf(place)) {
      const { log } = this.#room
      const at = log.placeOf({ author, seq })
      const entry = await log.entry(at.author, at.seq)
      const [shown] = entry === undefined ? [] : this.#room.counted([entry])
      const edit = shown && messageOf(shown)
      if (shown !== undefined && edit?.kind === 'edit' && (last === undefined || isLater(edit, last.message)))
        last = { entry: shown, message: edit }
    }
    return last
  }
}

const newestFirst = (a: FoundLine, b: FoundLine): number => {
  if (a.entry.at !== b.entry.at) return a.entry.at > b.entry.at ? -1 : 1
  return placeOf(a.message).author < placeOf(b.message).author ? 1 : -1
}

function isLater(a: Message, b: Message): boolean {
  if (a.at !== b.at) return a.at > b.at
  return a.run === b.run ? a.seq > b.seq : a.run > b.run
}
