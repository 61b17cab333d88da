import type { Millis } from '../../base/clock.js'
import { ByteReader } from '../../base/wire/byte-reader.js'
import { ByteWriter } from '../../base/wire/byte-writer.js'
import { hexOf } from '../../base/wire/bytes.js'
import type { AuthorId } from '../../log/format/author.js'
import { STATUS_REQUEST_MAX, STATUSES_MAX } from './limits.js'

// Digests: who is present, in a few bits per author instead of whole statuses. Connected peers repeat them to each
// other. docs/protocol/presence.md §5.6.

/** Frame types. docs/protocol/wire.md §5.2. */
export const DIGEST_TYPE = 14
export const STATUS_REQUEST_TYPE = 15

/** The first 16 hex digits of a public key. */
export type ShortKey = string

const SHORT_KEY_BYTES = 8
const RESTART = 1

/** Seconds for each age code. The code after the last one means that the author is not known to be alive. */
const AGE_SECONDS = [0, 2, 4, 6, 8, 10, 13, 16, 20, 25, 31, 40, 52, 70, 100] as const
const UNKNOWN_AGE = AGE_SECONDS.length

/** An author whom the sender of a digest considers present. */
export interface DigestEntry {
  readonly id: ShortKey
  /** The last two bytes of the version of the status that the sender has. */
  readonly check: number
  /** Time since the author was last known to be alive, rounded up; undefined if that is too long ago. */
  readonly ageMs: Millis | undefined
}

export const shortKeyOfAuthor = (author: AuthorId): ShortKey => author.slice(0, 2 * SHORT_KEY_BYTES)

export const checkOf = (version: number): number => version % 0x10000

/** Encodes the digests that are sent over one connection. Names each author once, and refers to it by its index afterwards. */
export class DigestWriter {
  /** The checks that were sent, by author, in the order of their indices. */
  readonly #sent = new Map<ShortKey, number>()
  #isRestart = true

  /** The next digest frame. Each author may occur once, and at most STATUSES_MAX authors. */
  next(entries: readonly DigestEntry[]): Uint8Array {
    const unnamed = entries.filter(({ id }) => !this.#sent.has(id)).length
    if (this.#sent.size + unnamed > STATUSES_MAX) this.restart()
    if (this.#isRestart) this.#sent.clear()
    const flags = this.#isRestart ? RESTART : 0
    this.#isRestart = false
    const additions = entries.filter(({ id }) => !this.#sent.has(id))
    for (const { id, check } of additions) this.#sent.set(id, check)
    const byId = new Map(entries.map(entry => [entry.id, entry]))
    const corrections: { readonly index: number; readonly check: number }[] = []
    const ages = new Uint8Array(Math.ceil(this.#sent.size / 2))
    let index = 0
    for (const [id, sent] of this.#sent) {
      const entry = byId.get(id)
      if (entry !== undefined && entry.check !== sent) {
        this.#sent.set(id, entry.check)
        corrections.push({ index, check: entry.check })
      }
      ages[index >> 1] = (ages[index >> 1] ?? 0) | (ageCode(entry?.ageMs) << (index % 2 === 0 ? 4 : 0))
      index++
    }
    const writer = new ByteWriter().u8(DIGEST_TYPE).u8(flags).varint(additions.length)
    for (const { id, check } of additions) writer.bytes(Buffer.from(id, 'hex')).u16(check)
    writer.varint(corrections.length)
    for (const correction of corrections) writer.u16(correction.index).u16(correction.check)
    return writer.bytes(ages).frame()
  }

  /** The other side may have missed a digest: the next one names all authors again. */
  restart(): void {
    this.#isRestart = true
  }
}

/** Decodes the digests that arrive over one connection. */
export class DigestReader {
  readonly #authors: { readonly id: ShortKey; check: number }[] = []

  /**
   * Decodes a digest: the state of every author named so far; `isNew` marks authors that this digest names for the
   * first time. Undefined if malformed.
   */
  read(body: Uint8Array): readonly (DigestEntry & { readonly isNew: boolean })[] | undefined {
    const reader = new ByteReader(body)
    reader.u8()
    if ((reader.u8() & RESTART) !== 0) this.#authors.length = 0
    const known = this.#authors.length
    this.#readAdditions(reader, STATUSES_MAX - known)
    this.#readCorrections(reader)
    const ages = reader.end(reader.bytes(Math.ceil(this.#authors.length / 2)))
    return ages && this.#entries(ages, known)
  }

  #readAdditions(reader: ByteReader, countMax: number): void {
    for (let left = reader.varint(countMax); left > 0 && !reader.isBad; left--) {
      const id = hexOf(reader.bytes(SHORT_KEY_BYTES))
      const check = reader.u16()
      if (!reader.isBad) this.#authors.push({ id, check })
    }
  }

  #readCorrections(reader: ByteReader): void {
    for (let left = reader.varint(this.#authors.length); left > 0 && !reader.isBad; left--) {
      const author = this.#authors[reader.u16()]
      const check = reader.u16()
      if (author === undefined) reader.fail()
      else if (!reader.isBad) author.check = check
    }
  }

  #entries(ages: Uint8Array, known: number): (DigestEntry & { readonly isNew: boolean })[] {
    return this.#authors.map(({ id, check }, index) => {
      const code = ((ages[index >> 1] ?? 0) >> (index % 2 === 0 ? 4 : 0)) & 0xf
      const seconds = AGE_SECONDS[code]
      return { id, check, ageMs: seconds === undefined ? undefined : seconds * 1_000, isNew: index >= known }
    })
  }
}

/** Requests the statuses of authors, at most STATUS_REQUEST_MAX. */
export function encodeStatusRequest(ids: readonly ShortKey[]): Uint8Array {
  const writer = new ByteWriter().u8(STATUS_REQUEST_TYPE)
  for (const id of ids) writer.bytes(Buffer.from(id, 'hex'))
  return writer.frame()
}

/** The authors whose statuses are requested; undefined for a malformed body. */
export function readStatusRequest(body: Uint8Array): readonly ShortKey[] | undefined {
  const reader = new ByteReader(body)
  reader.u8()
  const ids: ShortKey[] = []
  while (reader.remaining > 0 && ids.length <= STATUS_REQUEST_MAX) ids.push(hexOf(reader.bytes(SHORT_KEY_BYTES)))
  return ids.length < 1 || ids.length > STATUS_REQUEST_MAX ? undefined : reader.end(ids)
}

function ageCode(ageMs: Millis | undefined): number {
  if (ageMs === undefined) return UNKNOWN_AGE
  const code = AGE_SECONDS.findIndex(seconds => ageMs <= seconds * 1_000)
  return code === -1 ? UNKNOWN_AGE : code
}
