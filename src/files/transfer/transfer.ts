import type { Millis } from '../../base/clock.js'
import type { Level, Piece } from '../exchange/frames.js'
import { Bitmap } from '../format/bitmap.js'
import { chunkBytesAt, chunksIn, type FileId, isChunk, isPage, isTop, pagesIn } from '../format/hash-tree.js'
import { CHUNK_BYTES, PAGE_HASHES_MAX } from '../limits.js'

/** Identifies a connection to a peer that may have the content. */
export type HolderId = number

export type TransferEffect =
  | { readonly kind: 'query'; readonly holder: HolderId }
  | { readonly kind: 'request'; readonly holder: HolderId; readonly piece: Piece }
  /** The piece is verified: write it, then call `stored`. */
  | { readonly kind: 'store'; readonly piece: Piece; readonly bytes: Uint8Array }
  /** The holder sent an unrequested piece, or wrong bytes. It gets no further requests. */
  | { readonly kind: 'violation'; readonly holder: HolderId }

/** The pieces that are on this disk already, verified. */
export interface StoredPieces {
  readonly top: Uint8Array | undefined
  readonly pages: ReadonlyMap<number, Uint8Array>
  readonly chunks: Bitmap
}

/** Pieces that are requested of one holder, or were received from it and are not stored yet: 1 MiB in flight or in memory. */
const WINDOW_PIECES = 16
/** Unknown pages that are requested at once, so that the chunks of the next page need not wait. */
const PAGES_AHEAD = 2
/** Time without an answer after which the requests of a holder go to others. The holder gets no further requests until it answers. */
const ANSWER_MS_MAX: Millis = 10_000
/** How often a holder without all chunks is asked again which chunks it has. */
const QUERY_MS: Millis = 5_000

interface Holder {
  /** The chunks that it says it has; undefined until it answers. */
  chunks: Bitmap | undefined
  /** Pieces that it did not have. */
  readonly lacks: Set<string>
  /** Pieces that it is to send, or that are being stored. */
  open: number
  /** Answers that did not come in time, and may still arrive. */
  late: number
  answeredAt: Millis
  /** When it was asked which chunks it has. */
  queriedAt: Millis
  isQueried: boolean
}

interface Claim {
  readonly holder: HolderId
  readonly since: Millis
  readonly isStoring: boolean
}

const keyOf = ({ level, index }: Piece): string => `${level} ${index}`

/**
 * Decides which pieces of one file to request from which holder, without IO: answers in, effects out. Each piece is verified before it is
 * stored: the top against the root, a page against the top, a chunk against its page.
 */
export class Transfer {
  readonly #file: FileId
  readonly #stored: Bitmap
  readonly #pages: Map<number, Uint8Array>
  readonly #holders = new Map<HolderId, Holder>()
  /** Pieces that are requested or being stored. */
  readonly #claims = new Map<string, Claim>()
  /** Pages with missing chunks, in the order in which they are fetched. */
  readonly #order: number[]
  #top: Uint8Array | undefined
  /** The last chunk has fewer bytes. */
  readonly #lastBytes: number

  /** `firstPage`: where to begin. Peers that begin at different pages can give each other their missing chunks. */
  constructor(file: FileId, stored: StoredPieces, firstPage = 0) {
    const pages = pagesIn(file.size)
    this.#file = file
    this.#stored = stored.chunks
    this.#top = stored.top
    this.#pages = new Map(stored.pages)
    this.#lastBytes = chunkBytesAt(file.size, chunksIn(file.size) - 1)
    this.#order = Array.from({ length: pages }, (_, index) => (firstPage + index) % pages)
  }

  get isComplete(): boolean {
    return this.#stored.isFull
  }

  /** The chunks that are stored. */
  get stored(): Bitmap {
    return this.#stored
  }

  /** Bytes that are stored. */
  get bytes(): number {
    const { count, length } = this.#stored
    const hasLast = length > 0 && this.#stored.has(length - 1)
    return count * CHUNK_BYTES - (hasLast ? CHUNK_BYTES - this.#lastBytes : 0)
  }

  /** How many peers have any chunk of the content. */
  get holders(): number {
    return [...this.#holders.values()].filter(({ chunks }) => chunks !== undefined && chunks.count > 0).length
  }

  /** The top or a page, for peers that request it. */
  hashes({ level, index }: Piece): Uint8Array | undefined {
    return level === 'top' ? this.#top : this.#pages.get(index)
  }

  /** A peer connected that may have the content. */
  connected(id: HolderId, now: Millis): TransferEffect[] {
    const times = { answeredAt: now, queriedAt: now, isQueried: true }
    this.#holders.set(id, { chunks: undefined, lacks: new Set(), open: 0, late: 0, ...times })
    return [{ kind: 'query', holder: id }]
  }

  disconnected(id: HolderId, now: Millis): TransferEffect[] {
    this.#holders.delete(id)
    for (const [key, claim] of this.#claims) if (claim.holder === id && !claim.isStoring) this.#claims.delete(key)
    return this.#requests(now)
  }

  /** A holder says which chunks it has: a bitmap of them, or all. */
  holding(id: HolderId, bitmap: Uint8Array | undefined, now: Millis): TransferEffect[] {
    const holder = this.#holders.get(id)
    if (holder === undefined) return []
    const count = chunksIn(this.#file.size)
    const isNone = bitmap?.length === 0
    const chunks = bitmap === undefined ? Bitmap.full(count) : isNone ? Bitmap.empty(count) : Bitmap.of(count, bitmap)
    if (chunks === undefined) return this.#violated(id, now)
    holder.chunks = chunks
    holder.isQueried = false
    holder.lacks.clear()
    return this.#requests(now)
  }

  absent(id: HolderId, piece: Piece, now: Millis): TransferEffect[] {
    const holder = this.#holders.get(id)
    if (holder === undefined) return []
    if (!this.#answered(id, holder, piece, now)) return this.#violated(id, now)
    holder.lacks.add(keyOf(piece))
    return this.#requests(now)
  }

  received(id: HolderId, piece: Piece, bytes: Uint8Array, now: Millis): TransferEffect[] {
    const holder = this.#holders.get(id)
    if (holder === undefined) return []
    if (!this.#answered(id, holder, piece, now)) return this.#violated(id, now)
    // Another holder was faster.
    if (this.#has(piece) || this.#claims.get(keyOf(piece))?.isStoring === true) return this.#requests(now)
    if (!this.#isGenuine(piece, bytes)) return this.#violated(id, now)
    this.#release(keyOf(piece))
    this.#claims.set(keyOf(piece), { holder: id, since: now, isStoring: true })
    holder.open++
    if (piece.level === 'top') this.#top = new Uint8Array(bytes)
    if (piece.level === 'page') this.#pages.set(piece.index, new Uint8Array(bytes))
    return [{ kind: 'store', piece, bytes }, ...this.#requests(now)]
  }

  /** A piece is written. */
  written(piece: Piece, now: Millis): TransferEffect[] {
    const key = keyOf(piece)
    const claim = this.#claims.get(key)
    const holder = claim && this.#holders.get(claim.holder)
    if (holder !== undefined) holder.open--
    this.#claims.delete(key)
    if (piece.level === 'chunk') this.#stored.add(piece.index)
    return this.#requests(now)
  }

  /** Time has passed: requests that timed out go to other holders. To be called every second. */
  passed(now: Millis): TransferEffect[] {
    for (const [key, { holder: id, since, isStoring }] of this.#claims) {
      const holder = this.#holders.get(id)
      if (isStoring || holder === undefined || now - Math.max(since, holder.answeredAt) < ANSWER_MS_MAX) continue
      this.#release(key)
    }
    const queries: TransferEffect[] = []
    for (const [id, holder] of this.#holders) {
      const hasAll = holder.chunks?.isFull === true && holder.lacks.size === 0
      if (holder.isQueried || hasAll || now - holder.queriedAt < QUERY_MS) continue
      holder.queriedAt = now
      holder.isQueried = true
      queries.push({ kind: 'query', holder: id })
    }
    return [...queries, ...this.#requests(now)]
  }

  /** Whether the answer was requested. Ends the request. */
  #answered(id: HolderId, holder: Holder, piece: Piece, now: Millis): boolean {
    holder.answeredAt = now
    const claim = this.#claims.get(keyOf(piece))
    if (claim?.holder === id && !claim.isStoring) {
      this.#claims.delete(keyOf(piece))
      holder.open--
      return true
    }
    if (holder.late === 0) return false
    holder.late--
    return true
  }

  /** Ends a request that is not answered: its answer may still arrive. */
  #release(key: string): void {
    const claim = this.#claims.get(key)
    const holder = claim && this.#holders.get(claim.holder)
    this.#claims.delete(key)
    if (holder === undefined) return
    holder.open--
    holder.late++
  }

  #violated(id: HolderId, now: Millis): TransferEffect[] {
    return [{ kind: 'violation', holder: id }, ...this.disconnected(id, now)]
  }

  #has({ level, index }: Piece): boolean {
    if (level === 'top') return this.#top !== undefined
    return level === 'page' ? this.#pages.has(index) : this.#stored.has(index)
  }

  #isGenuine({ level, index }: Piece, bytes: Uint8Array): boolean {
    if (level === 'top') return index === 0 && isTop(this.#file, bytes)
    const { size } = this.#file
    if (level === 'page')
      return this.#top !== undefined && index < pagesIn(size) && isPage(size, this.#top, index, bytes)
    const page = this.#pages.get(Math.floor(index / PAGE_HASHES_MAX))
    return page !== undefined && index < chunksIn(size) && isChunk(size, page, index, bytes)
  }

  /** Requests as many pieces as the windows allow. Holders take turns, so that each sends some. */
  #requests(now: Millis): TransferEffect[] {
    const effects: TransferEffect[] = []
    const able = new Map([...this.#holders].filter(([, { chunks }]) => chunks !== undefined && chunks.count > 0))
    while (able.size > 0)
      for (const [id, holder] of [...able]) {
        const isFull = holder.open >= WINDOW_PIECES || holder.late > 0
        const piece = isFull ? undefined : this.#next(holder)
        if (piece === undefined) {
          able.delete(id)
          continue
        }
        this.#claims.set(keyOf(piece), { holder: id, since: now, isStoring: false })
        holder.open++
        effects.push({ kind: 'request', holder: id, piece })
      }
    return effects
  }

  /** The next piece to request from a holder. */
  #next(holder: Holder): Piece | undefined {
    const isFree = (level: Level, index: number): boolean => {
      const key = keyOf({ level, index })
      return !this.#claims.has(key) && !holder.lacks.has(key)
    }
    if (this.#top === undefined) return isFree('top', 0) ? { level: 'top', index: 0 } : undefined
    let ahead = 0
    for (let at = 0; at < this.#order.length && ahead < PAGES_AHEAD; at++) {
      const page = this.#order[at] ?? 0
      if (!this.#pages.has(page)) {
        ahead++
        if (isFree('page', page)) return { level: 'page', index: page }
        continue
      }
      const [first, end] = [page * PAGE_HASHES_MAX, Math.min((page + 1) * PAGE_HASHES_MAX, this.#stored.length)]
      let isMissing = false
      for (let index = first; index < end; index++) {
        if (this.#stored.has(index)) continue
        isMissing = true
        if (holder.chunks?.has(index) === true && isFree('chunk', index)) return { level: 'chunk', index }
      }
      if (!isMissing) this.#order.splice(at--, 1)
    }
    return undefined
  }
}
