import type { Clock, Millis } from '../base/clock.js'
import { isLine } from '../chat/kinds/kinds.js'
import { type Message, messageOf } from '../chat/kinds/message.js'
import { BLOCK_PLACES, type BlockRow, blockOf } from '../log/content/block-rows.js'
import { isSigned, type LogId, type Seq } from '../log/format/author.js'
import type { Entry } from '../log/format/entry.js'
import { withContent } from '../log/format/gap.js'
import { millisOf } from '../log/format/hybrid-clock.js'
import type { Log } from '../log/log.js'
import { encodeWordBlock, filterOf } from './word-filter.js'
import { fold, wordsOf, wordsVersion } from './words.js'

/** Delay after the start, and after entries arrive, so that work for which the user waits comes first. */
const QUIET_MS: Millis = 1_000
/** If entries keep arriving for this long, a few blocks a second are indexed meanwhile. */
const QUIET_MS_MAX: Millis = 15_000
/** Number of blocks that are indexed in one go, which takes some milliseconds. */
const BLOCKS_AT_ONCE = 8
/** Pause between two goes. */
const PAUSE_MS: Millis = 5

/** In places of the log. */
export interface IndexProgress {
  readonly done: number
  readonly of: number
}

export type IndexedLog = Pick<Log, 'head' | 'entries' | 'blocks' | 'on' | 'off'>

/** The text of a message that is searched; undefined for messages that are not found by their text. */
export function searchedText(message: Message): string | undefined {
  if (message.kind === 'edit') return message.text
  if (message.kind === 'topic') return message.topic
  return isLine(message) || message.kind === 'nick' ? message.message : undefined
}

/** The word that stands for a name in a filter. No word of a text begins with `@`. */
export const fromWord = (folded: string): string => `@${folded}`

/**
 * Builds the word filters of all signed logs in the background, block by block. A block without a filter is searched by reading it,
 * so results do not depend on the progress of the index. A crash loses only the filters that were not written.
 */
export class WordIndex {
  readonly #log: IndexedLog
  readonly #clock: Clock
  #isOpen: Promise<void> | undefined
  /** For each log, the first place of the first block that may lack a filter. */
  readonly #from = new Map<LogId, Seq>()
  #arrivedAt: Millis = 0
  #waitingSince: Millis | undefined
  #isClosed = false

  constructor(log: IndexedLog, clock: Clock) {
    this.#log = log
    this.#clock = clock
    log.on('entries', this.#onChange).on('filled', this.#onContent).on('gaps', this.#onContent)
    log.on('shortened', this.#onShortened)
    this.#onChange()
  }

  /** How many of the places that can be indexed are indexed. */
  async progress(): Promise<IndexProgress> {
    await this.#opened()
    let [done, of] = [0, 0]
    for (const [log, first] of this.#blocks()) {
      of += BLOCK_PLACES
      if (this.#log.blocks.has(log, first)) done += BLOCK_PLACES
    }
    return { done, of }
  }

  /** Resolves when the stored filters can be read. Does not wait for the list of filters, which takes longer to load. */
  async readable(): Promise<void> {
    if (this.#isOpen === undefined && (await this.#log.blocks.areOf(wordsVersion()))) return
    await this.#opened()
  }

  #opened(): Promise<void> {
    this.#isOpen ??= this.#log.blocks.open(wordsVersion())
    return this.#isOpen
  }

  /** Indexes everything that is not indexed yet. Resolves when that is done. */
  async build(): Promise<void> {
    await this.#opened()
    for (let next = this.#next(); next !== undefined && !this.#isClosed; next = this.#next()) {
      await this.#index(next.log, next.first)
      if (!this.#log.blocks.has(next.log, next.first)) return // the log is damaged, and will be shortened
    }
  }

  close(): void {
    this.#isClosed = true
    this.#log.off('entries', this.#onChange).off('filled', this.#onContent).off('gaps', this.#onContent)
    this.#log.off('shortened', this.#onShortened)
  }

  /** Filters were deleted. */
  readonly #onContent = (): void => {
    this.#from.clear()
    this.#onChange()
  }

  readonly #onShortened = (log: LogId): void => void this.#from.delete(log)

  readonly #onChange = (): void => {
    this.#arrivedAt = this.#clock.now()
    if (this.#waitingSince !== undefined || this.#isClosed) return
    this.#waitingSince = this.#arrivedAt
    this.#clock.after(QUIET_MS, () => void this.#work().catch(() => this.#end())) // if the disk fails, the next entries try again
  }

  async #work(): Promise<void> {
    if (this.#isClosed) return
    const now = this.#clock.now()
    const waited = now - (this.#waitingSince ?? now)
    const isBusy = now - this.#arrivedAt < QUIET_MS
    if (isBusy && waited < QUIET_MS_MAX) return this.#again(QUIET_MS)
    // A nearly empty room needs neither an index nor a row for it.
    if (this.#next() === undefined) return this.#end()
    await this.#opened()
    const next = this.#next()
    if (next === undefined) return this.#end()
    await this.#index(next.log, next.first)
    if (!this.#log.blocks.has(next.log, next.first)) return this.#end() // the log is damaged, and will be shortened
    this.#again(isBusy ? QUIET_MS : PAUSE_MS)
  }

  #again(delayMs: Millis): void {
    this.#clock.after(delayMs, () => void this.#work().catch(() => this.#end()))
  }

  #end(): void {
    this.#waitingSince = undefined
  }

  /** The first block without a filter. */
  #next(): { readonly log: LogId; readonly first: Seq } | undefined {
    for (const [log, first] of this.#blocks(log => this.#from.get(log))) {
      this.#from.set(log, first)
      if (!this.#log.blocks.has(log, first)) return { log, first }
    }
    return undefined
  }

  *#blocks(from: (log: LogId) => Seq | undefined = () => 1): Generator<readonly [LogId, Seq]> {
    for (const { author, seq } of this.#log.head)
      if (isSigned(author))
        for (let first = from(author) ?? 1; first + BLOCK_PLACES - 1 <= seq; first += BLOCK_PLACES)
          yield [author, first]
  }

  async #index(log: LogId, first: Seq): Promise<void> {
    const { blocks, head } = this.#log
    const end = blockOf((head.find(({ author }) => author === log)?.seq ?? 0) + 1)
    const to = Math.min(first + BLOCKS_AT_ONCE * BLOCK_PLACES, end)
    await blocks.put(log, async () => {
      const rows: BlockRow[] = []
      const open = new Map<Seq, Entry[]>()
      let last = first - 1
      for await (const entries of this.#log.entries({ author: log, from: first, to }))
        for (const entry of entries) {
          last = entry.seq + (entry.gap?.count ?? 1) - 1
          const block = blockOf(entry.seq)
          const others = open.get(block)
          if (others === undefined) open.set(block, [entry])
          else others.push(entry)
        }
      for (let block = first; block + BLOCK_PLACES - 1 <= last; block += BLOCK_PLACES)
        if (!blocks.has(log, block)) rows.push({ first: block, value: blockValue(open.get(block) ?? []) })
      return rows
    })
  }
}

/** The words of entries, and of their authors' names. */
function blockValue(entries: readonly Entry[]): Uint8Array {
  const words = new Set<string>()
  let newestMs = 0
  for (const entry of withContent(entries)) {
    const message = messageOf(entry)
    if (message === undefined) continue
    newestMs = Math.max(newestMs, message.timeMs, millisOf(message.at))
    const text = searchedText(message)
    if (text === undefined) continue
    for (const word of wordsOf(text)) words.add(word)
    words.add(fromWord(fold(message.username)))
  }
  return encodeWordBlock({ newestMs: Math.ceil(newestMs), filter: filterOf(words) })
}
