import { isLine } from '../chat/kinds/kinds.js'
import { type Message, messageOf, placeOf } from '../chat/kinds/message.js'
import type { LineLabels } from '../chat/line-labels.js'
import { keyOfPlace } from '../chat/views/lines.js'
import { type AuthorId, authorOfLog, isSigned, logOf } from '../log/format/author.js'
import type { Entry } from '../log/format/entry.js'
import { withContent } from '../log/format/gap.js'
import type { Digest } from '../log/format/heads.js'
import { millisOf } from '../log/format/hybrid-clock.js'
import type { Log } from '../log/log.js'
import { type Candidate, SignedCandidates } from './candidates.js'
import { Matcher } from './matcher.js'
import type { Query } from './query.js'
import { searchedText } from './word-index.js'

export interface SearchedRoom {
  readonly log: Pick<Log, 'head' | 'entry' | 'entries' | 'blocks' | 'placeOf'>
  /** Filters the entries that are shown. */
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
  /** Whether the lines of an author are omitted. */
  readonly isHidden?: (author: AuthorId) => boolean
  readonly signal?: AbortSignal | undefined
  /** Called with the number of places that were searched so far, and the number of all places. */
  readonly onProgress?: (done: number, of: number) => void
}

/** A line that was found. */
export interface FoundLine {
  readonly entry: Entry
  /** The message of the line as it was written. */
  readonly message: Message
  /** The last edit of the line; undefined if it was not edited. */
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

/**
 * Finds the lines of a room that match a query, newest first. The filters of the word index rule out blocks; all other
 * blocks are read. Reads filters and blocks from the newest backwards, and only until the caller stops iterating. The
 * results depend on the log alone, not on the index.
 */
export class Search {
  readonly #room: SearchedRoom
  readonly #query: Query
  readonly #matcher: Matcher
  readonly #options: SearchOptions
  /**
   * Lines that were found, and lines whose last edit does not match. They are skipped when more of their edits match.
   */
  readonly #checked = new Set<string>()

  constructor(room: SearchedRoom, query: Query, options: SearchOptions = {}) {
    this.#room = room
    this.#query = query
    this.#options = options
    this.#matcher = new Matcher(query, name => room.keysNamed(name))
  }

  async *lines(): AsyncGenerator<FoundLine> {
    const { signal, onProgress } = this.#options
    const { logs, candidates } = this.#begin()
    const of = this.#room.log.head.reduce((sum, { seq }) => sum + seq, 0)
    let waiting: FoundLine[] = []
    for (;;) {
      if (signal?.aborted) return
      // Read further filters of a log only when no known candidate can be newer than the places that these filters cover.
      const [log] = logs.sort((a, b) => b.newestMs - a.newestMs)
      const [candidate] = candidates
      if (log !== undefined && !(candidate !== undefined && candidate.newestMs > log.newestMs)) {
        candidates.push(...(await log.next()))
        candidates.sort((a, b) => b.newestMs - a.newestMs || b.from - a.from)
        if (log.places === 0) logs.shift()
      } else if (candidate !== undefined) {
        candidates.shift()
        const found = await this.#linesIn(candidate)
        if (found.length > 0) waiting = [...waiting, ...found].sort(newestFirst)
      } else return
      const left = [...logs.map(({ places }) => places), ...candidates.map(({ from, to }) => to - from)]
      onProgress?.(of - left.reduce((sum, places) => sum + places, 0), of)
      const next = Math.max(...[...logs, ...candidates.slice(0, 1)].map(({ newestMs }) => newestMs))
      while (waiting[0] !== undefined && millisOf(waiting[0].entry.at) >= next) {
        const line = await this.#current(waiting.shift() as FoundLine)
        if (line !== undefined) yield line
      }
    }
  }

  /** The signed logs, and all places of the unsigned ones. */
  #begin(): { readonly logs: SignedCandidates[]; readonly candidates: Candidate[] } {
    const [logs, candidates]: [SignedCandidates[], Candidate[]] = [[], []]
    const { log } = this.#room
    for (const { author, seq } of log.head) {
      if (seq === 0 || this.#options.isHidden?.(authorOfLog(author)) === true) continue
      if (isSigned(author)) logs.push(new SignedCandidates(log, author, seq, this.#query, this.#matcher))
      else candidates.push({ author, from: 1, to: seq + 1, newestMs: Number.POSITIVE_INFINITY })
    }
    return { logs, candidates }
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

  /** If the text of an entry matches: the line in it or, if it is an edit, the edited line. */
  async #lineOf(entry: Entry): Promise<FoundLine | undefined> {
    const message = messageOf(entry)
    const text = message && searchedText(message)
    if (message === undefined || text === undefined || !this.#matcher.hasText(text)) return undefined
    const line = message.kind === 'edit' ? await this.#edited(message) : { entry, message }
    return line !== undefined && this.#matcher.isFrom(line.message) ? line : undefined
  }

  /** The line with its last edit; undefined if the edit does not match, or the line was checked already. */
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
